"""Words that people bring from other tools, and the word of ours that each of them means."""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NamedTuple


class Row(NamedTuple):
    """What to write (`norm: batch`), the words of others for it, and what more there is to say.

    Without `ours` the language has nothing of the kind, and the note says what to do.
    """

    ours: str
    theirs: str
    note: str = ""

    @property
    def word(self) -> str:
        """The first word of ours: `norm: batch -> norm`."""
        found = re.search(r"[\w-]+", self.ours)
        return found[0] if found else ""

    def hint(self, dash: str = "") -> str:
        is_word = re.fullmatch(r"[\w-]+", dash + self.ours)
        written = f"write {self.ours}" if is_word else f"write `{dash}{self.ours}`" if self.ours else ""
        return "; ".join(part for part in (written, self.note) if part)


def hint(place: str, value: Any, known: Collection[str]) -> str:
    """What to write for a word of another tool, or another spelling of ours; empty where nothing is known of it.

    `known`: our words for this place.
    """
    row = _row(place, value, known)
    return row.hint("- " if place in ("block", "transform") else "") if row else ""


def meant(place: str, value: Any, known: Collection[str]) -> str:
    """The word of ours that a word means; empty where none is known."""
    row = _row(place, value, known)
    return row.word if row else ""


def _row(place: str, value: Any, known: Collection[str]) -> Row | None:
    for word in _spellings(value):
        rows = _index(place).get(word, ())
        own = (Row(name, "") for name in known if normal(name) == word)
        found = next((row for row in rows if not row.ours or row.word in known), None) or next(own, None)
        if found:
            return found
    return None


def _spellings(value: Any) -> Iterator[str]:
    """A word as the tables have it, with the dimensions that other tools write behind it and without."""
    if isinstance(value, dict | list | float) or not (word := normal(SCALARS.get(str(value), str(value))[:60])):
        return
    yield word
    if word.endswith("2d") and word != "2d":
        yield word.removesuffix("2d")


SCALARS = {"None": "null", "True": "true", "False": "false"}


def normal(word: str) -> str:
    """A word without case, separators, the module it comes from and its call.

    >>> normal("nn.LeakyReLU(0.1)"), normal("Kernel-Size")
    ('leakyrelu', 'kernelsize')
    """
    name = word.strip().split("(")[0].rpartition(".")[2]
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _index(place: str) -> dict[str, list[Row]]:
    """The rows of a place by each word that leads to them."""
    found: dict[str, list[Row]] = {}
    for row in TABLE.get(place, ()):
        for word in dict.fromkeys([normal(row.word), *map(normal, row.theirs.split())]):
            found.setdefault(word, []).append(row)
    return found


LEFT_OUT = "leave it out"
NOT_WRITTEN = "leave it out: what goes in is what the row before puts out"

GROUPED = "grouped_conv group_conv gconv resnext"

BLOCKS = (
    Row(
        "conv: 32",
        "convolution conv_layer conv_block conv_bn conv_bn_relu conv_bn_act conv3x3 basic_conv cbr cba standard_conv "
        "conv2d_norm_activation conv_norm_act conv_module conv1d conv3d",
    ),
    Row("conv: {out_channels: 32, kernel_size: 5}", "conv5x5 conv7x7 conv9x9 large_kernel"),
    Row("conv: {out_channels: 32, groups: 4}", f"grouped {GROUPED}"),
    Row("strided: 32", "strided_conv conv_strided stride conv_s2 down downsample downsampling conv_down"),
    Row("dilated: 32", "dilated_conv conv_dilated dilation dilate atrous atrous_conv aspp"),
    Row(
        "dwsep: 32",
        "depthwise_separable depthwise_separable_conv depthwise_separable_convolution separable separable_conv "
        "separable_convolution sep_conv sepconv dsconv ds_conv dw_sep dws dwsconv dw_separable ghost_conv",
    ),
    Row("pointwise: 32", "pw pw_conv pointwise_conv conv1x1 conv_1x1 1x1 1x1conv conv1 nin network_in_network"),
    Row("depthwise", "dw dw_conv depthwise_conv depthwise_convolution conv_dw"),
    Row(
        "residual: [...]",
        "residual_block res_block resblock res resnet_block basic_block bottleneck skip skip_connection shortcut "
        "resnet add sum eltwise",
    ),
    Row(
        "branches: {paths: {...}}", "branch parallel inception inception_block concat cat concatenate route fork split"
    ),
    Row("repeat: {times: 2, layers: [...]}", "loop times stack repeated for module_list"),
    Row(
        "squeeze_excite",
        "se se_block se_layer se_module squeeze squeeze_excitation squeeze_and_excitation squeeze_and_excite senet "
        "channel_attention eca",
    ),
    Row(
        "inverted_residual: 32",
        "mbconv mb_conv mbconv6 fused_mbconv inverted_bottleneck inverted_residual_block inverted irb ir "
        "mobilenet_block linear_bottleneck conv_next",
    ),
    Row("maxpool", "max_pool max_pooling pool pooling mp maximum_pooling max"),
    Row("avgpool", "avg_pool average_pool average_pooling avg_pooling mean_pool mean_pooling avg mean ap"),
    Row(
        "gap",
        "global_avg_pool global_average_pool global_average_pooling global_avg_pooling global_pool global_pooling "
        "adaptive_avg_pool adaptive_average_pool adaptive_average_pooling adaptive_pool adaptive_pooling "
        "avg_pool_global",
    ),
    Row("flatten", "flat view reshape ravel"),
    Row("linear", "dense fc fully_connected inner_product mlp classifier head cls_head output logits"),
    Row("dropout: 0.1", "drop drop_out alpha_dropout"),
    Row("dropout: {p: 0.1, kind: channel}", "dropout2d spatial_dropout spatial_dropout2d dropblock"),
    Row("norm: batch", "bn batchnorm batch_norm batch_normalization normalization sync_bn sync_batch_norm"),
    Row("norm: layer", "ln layernorm layer_norm layer_normalization"),
    Row("norm: {group: 8}", "gn groupnorm group_norm group_normalization instance_norm instance_normalization"),
    Row("activation: relu", "act activ nonlinearity non_linearity"),
    Row("", "identity noop no_op pass", "leave the row out; in branches an empty path is the identity"),
    Row("", "sequential block module layers", "leave it out: the rows of a block follow one another as they stand"),
    Row("", "input input_layer", "leave the row out: the image is `input: [channels, height, width]` at the top"),
    Row("", "zero_padding zero_pad pad padding", "leave the row out: rows have a field padding"),
    Row("", "softmax log_softmax", "leave the row out: the loss of training takes what `linear` puts out"),
    Row(
        "",
        "upsample conv_transpose conv2d_transpose deconv pixel_shuffle upsampling",
        "leave the row out: no block widens a map",
    ),
    Row(
        "gap",
        "global_max_pool global_max_pooling adaptive_max_pool adaptive_max_pooling",
        "there is no global maximum here",
    ),
)
FIELDS = (
    Row(
        "out_channels",
        "filters num_filters n_filters nb_filters channels num_channels n_channels out outputs out_ch oup out_planes "
        "planes features num_features n_out num_output output_channels outchannel c c_out cout ch dim width units",
    ),
    Row("out_features", "units features out num_units n_units out_channels num_classes outputs num_output size dim"),
    Row(
        "kernel_size",
        "kernel kernels k ks ksize kernelsize kernel_shape size filter_size window window_size pool_size poolsize "
        "pool kernel_h kernel_w",
    ),
    Row("stride", "strides s st step steps subsample stride_h stride_w"),
    Row("padding", "pad pads pad_size border_mode padding_size p"),
    Row("dilation", "dilations d dilation_rate dilate rate atrous_rate atrous"),
    Row("groups", "group g num_groups n_groups cardinality num_group"),
    Row("bias", "use_bias with_bias bias_term biases no_bias has_bias"),
    Row("norm", "norm_layer norm_type normalization norm_cfg normalize normalisation"),
    Row("norm: batch", "bn use_bn batch_norm batchnorm use_batch_norm use_batchnorm batch_normalization with_bn"),
    Row("norm: layer", "ln layer_norm layernorm"),
    Row("norm: {group: 8}", "gn group_norm groupnorm"),
    Row(
        "activation",
        "act act_fn activation_fn activation_function act_func activ nonlinearity non_linearity nonlin act_layer "
        "activation_layer activation_type act_type use_relu",
    ),
    Row("activation: relu", "relu with_relu"),
    Row("order", "sequence arrangement stage_order pre_activation preact"),
    Row("dropout", "drop dropout_rate drop_rate dropout_p drop_prob dropout_prob p_drop drop_p spatial_dropout"),
    Row("multiplier", "depth_multiplier channel_multiplier width_multiplier mult depthmult filters"),
    Row("between", "middle mid inner intermediate"),
    Row("layers", "rows body main modules main_path block blocks sequence children inner content network"),
    Row("shortcut", "skip skip_connection downsample projection residual short"),
    Row("paths", "branches branch lanes ways streams parallel"),
    Row("merge", "mode merge_mode op operation how join combine aggregation fusion"),
    Row("times", "n num number repeats repeat count depth num_blocks num_repeats n_times num_layers"),
    Row("reduction", "r ratio reduction_ratio rd_ratio squeeze_ratio squeeze_factor se_ratio squeeze"),
    Row("gate", "gate_activation gate_fn gate_layer gating scale_activation"),
    Row("expansion", "expand expand_ratio expansion_factor expansion_ratio exp_ratio expand_factor t e exp"),
    Row(
        "squeeze_excite",
        "se use_se se_ratio se_reduction squeeze_excitation se_layer",
        "it takes a reduction: a ratio of 0.25 is 4",
    ),
    Row("ceil_mode", "ceil use_ceil"),
    Row("count_include_pad", "include_pad count_pad"),
    Row("name", "id label title alias layer_name"),
    Row("count", "n number times how_many amount occurrences"),
    Row(
        "",
        "in_channels in_planes inplanes input_channels in_ch in_chs inp c_in cin in_features input_dim in_dim "
        "input_features nin",
        NOT_WRITTEN,
    ),
    Row(
        "",
        "inplace dtype device padding_mode data_format kernel_initializer kernel_regularizer bias_initializer "
        "weight_init initializer init affine track_running_stats trainable return_indices output_padding transposed",
        "leave it out: there is nothing to choose here",
    ),
    Row("", "output_size", "leave it out: gap always leaves one position"),
    Row("", "input_shape", "leave it out: the image is `input: [channels, height, width]` at the top"),
    Row("", "start_dim end_dim", "leave it out: flatten takes channels and positions alike"),
)
SECTIONS = (
    Row("advconv", "version language schema format lang spec"),
    Row("name", "title model_name id net_name arch_name"),
    Row(
        "input",
        "input_shape input_size img_size image_size image shape in_shape imgsz input_dim inputs input_dims img_shape "
        "image_shape resolution size",
    ),
    Row(
        "classes",
        "num_classes nc n_classes nb_classes n_class num_class num_labels output_dim outputs output out_features "
        "number_of_classes class labels",
    ),
    Row("defaults", "default globals common settings global_settings style"),
    Row(
        "network",
        "layers blocks model architecture arch net backbone nn structure body modules graph topology stages sequential",
    ),
    Row("constraints", "constraint limits limit requirements requirement rules checks budget targets goals assertions"),
    Row("data", "dataset datasets data_set dataloader"),
    Row(
        "augment",
        "augmentation augmentations aug augs transforms transform data_augmentation albumentations train_transforms "
        "train_transform",
    ),
    Row("train", "training trainer fit recipe hyperparameters hyperparams hyp hparams params optimization config"),
)
TRAIN = (
    Row("epochs", "epoch num_epochs n_epochs nb_epochs nb_epoch max_epochs total_epochs num_train_epochs train_epochs"),
    Row(
        "batch_size",
        "batchsize bs batch mini_batch minibatch mini_batch_size train_batch_size per_device_train_batch_size "
        "batch_sz n_batch",
    ),
    Row("optimizer", "optim opt optimiser solver optimizer_type algorithm"),
    Row(
        "lr", "learning_rate learningrate lr0 base_lr max_lr initial_lr init_lr eta alpha rate step_size peak_lr lr_max"
    ),
    Row("momentum", "mom beta1 beta_1 betas sgd_momentum"),
    Row("weight_decay", "wd weightdecay l2 l2_reg l2_regularization regularization decay reg lambda"),
    Row("schedule", "lr_schedule scheduler lr_scheduler sched lr_policy lr_decay scheduler_type policy annealing"),
    Row("label_smoothing", "smoothing label_smooth smooth ls smoothing_eps labelsmoothing"),
    Row("mixup", "mixup_alpha mix_up mix mixup_prob"),
    Row("ema", "ema_decay model_ema model_ema_decay averaging ema_momentum swa polyak use_ema weight_averaging"),
    Row(
        "clip",
        "grad_clip clip_grad clip_grad_norm gradient_clip_val gradient_clip gradient_clipping max_grad_norm max_norm "
        "clipnorm clip_norm grad_clip_norm",
    ),
    Row("precision", "dtype mixed_precision data_type"),
    Row("precision: bfloat16", "amp fp16 bf16 half autocast use_amp float16 bfloat16 use_fp16"),
    Row("seed", "random_seed random_state manual_seed rng rng_seed torch_seed"),
    Row(
        "val_split",
        "validation_split val validation val_size val_fraction valid_pct valid_split val_ratio valid_size holdout "
        "validation_size",
        "it is a number of images",
    ),
    Row("", "loss criterion loss_fn", "leave it out: the loss is cross entropy, with label_smoothing"),
    Row("", "nesterov", "leave it out: sgd always has Nesterov momentum"),
    Row("", "shuffle", "leave it out: every epoch has an order of its own"),
    Row("mixup", "cutmix cutmix_alpha", "there is no CutMix here"),
    Row("", "num_workers workers n_workers", "leave it out: it is an option, `advconv train --workers N`"),
    Row("", "device gpu gpus accelerator cuda", "leave it out: it is an option, `advconv train --device cuda`"),
    Row("", "metrics metric", "leave it out: the accuracy is measured in every epoch"),
)
CONSTRAINTS = (
    Row(
        "receptive_field",
        "rf receptive field theoretical_rf theoretical_receptive_field rf_size receptivefieldsize field_of_view fov "
        "max_rf rf_max trf",
    ),
    Row("rf_min", "min_rf min_receptive_field minimum_rf narrowest narrowest_rf receptive_field_min"),
    Row(
        "params",
        "parameters num_params n_params model_params param_count parameter_count total_params trainable_params "
        "num_parameters nb_params param max_params number_of_parameters",
    ),
    Row("macs", "mac gmacs mmacs madds multadds mult_adds multiply_adds mul_adds mmac gmac"),
    Row("macs", "flops gflops mflops flop max_flops tflops num_flops", "FLOPs are twice the MACs: halve the number"),
    Row("weights", "model_size size weight_size weight_bytes weight_memory file_size disk model_bytes param_memory"),
    Row("memory", "mem peak_memory peak_mem ram vram gpu_memory activation_memory inference_memory max_memory"),
    Row("training_memory", "train_memory train_mem training_mem memory_training"),
    Row("uses", "use used required requires must_use must_have include includes features need needs has contains"),
    Row(
        "forbids",
        "forbid forbidden not_allowed disallow disallowed exclude excludes excluded without ban banned bans no_use "
        "prohibited must_not_use avoid",
    ),
    Row("accuracy", "acc top1 top_1 top1_acc test_acc val_acc test_accuracy val_accuracy accuracy_top1 score min_acc"),
)
FEATURES = (
    Row("add", "residual residual_connection skip_connection shortcut sum inverted_residual mbconv"),
    Row("concat", "branches inception parallel cat concatenate"),
    Row("multiply", "squeeze_excite se mul scale gate squeeze_excitation se_block"),
    Row("grouped", f"groups group {GROUPED}"),
    Row("strided", "strides"),
    Row("dilated", "dilations"),
    Row("activation", "relu silu gelu activations swish leaky_relu"),
    Row("norm", "batch norms"),
    *(Row(row.word, row.theirs) for row in BLOCKS if row.ours and GROUPED not in row.theirs),
)
VALUES = {
    "activation": (
        Row("relu", "relu_ rectifier rectified_linear true"),
        Row("leaky_relu", "lrelu leaky"),
        Row("silu", "swish sil swish_1"),
        Row("gelu", "gelu_tanh gelu_new"),
        Row("hardswish", "h_swish hswish hard_silu"),
        Row("hardsigmoid", "h_sigmoid hsigmoid"),
        Row("sigmoid", "logistic sigm"),
        Row("tanh", "hyperbolic_tangent tan_h"),
        Row("prelu", "parametric_relu"),
        Row("none", "linear identity null false no off noop nothing"),
        Row("none", "softmax log_softmax", "the loss of training takes what `linear` puts out"),
    ),
    "norm": (
        Row("batch", "bn batchnorm batch_norm batch_normalization true yes on sync_bn sync_batchnorm"),
        Row("layer", "ln layernorm layer_norm layer_normalization"),
        Row("{group: 8}", "gn groupnorm group_norm group group_normalization"),
        Row(
            "{group: 8}",
            "instance instancenorm instance_norm in",
            "with as many groups as channels it is an instance norm",
        ),
        Row("none", "null false no off identity nothing"),
    ),
    "norm argument": (
        Row("num_groups", "groups group g n_groups ngroups"),
        Row("eps", "epsilon e"),
        Row("momentum", "mom decay"),
        Row("", "affine track_running_stats num_features num_channels", LEFT_OUT),
    ),
    "dropout argument": (
        Row("p", "rate prob probability drop_rate drop_prob dropout dropout_rate share ratio"),
        Row("kind", "type mode channels spatial dim"),
        Row("", "inplace", LEFT_OUT),
    ),
    "kind": (
        Row("channel", "spatial dropout2d channels 2d feature map channelwise"),
        Row("element", "standard normal elementwise 1d elements unit"),
    ),
    "order": (
        Row("conv-norm-act", "conv-bn-relu conv-bn-act conv_bn_relu cbr cba cna post post-activation postact"),
        Row("conv-act-norm", "conv-relu-bn conv-act-bn crb cab can"),
        Row("norm-act-conv", "bn-relu-conv bn-act-conv pre preact pre-activation brc bac nac"),
    ),
    "padding": (
        Row("same", "same_upper same_lower half auto true"),
        Row("valid", "none no false null zero off"),
        Row("same", "reflect replicate circular zeros", "what is padded are zeros"),
    ),
    "groups": (Row("depthwise", "dw in_channels channels full all c depth_wise"),),
    "dropout": (Row("0", "none no false null off"),),
    "truth": (Row("true", "yes on y 1 t"), Row("false", "no off n 0 f none null")),
    "shortcut": (
        Row("identity", "skip id same true"),
        Row("projection", "conv conv1x1 1x1 proj project option_b b downsample pointwise"),
        Row("pad", "zero zero_pad zero_padding option_a a padding"),
        Row("", "none null false no", "leave `residual` out, and its rows stand by themselves"),
    ),
    "merge": (
        Row("concat", "cat concatenate concatenation stack join"),
        Row("add", "sum plus addition elementwise_add residual"),
        Row("multiply", "mul prod product times multiplication gate"),
    ),
    "between": (
        Row("none", "null false no nothing linear"),
        Row("norm", "bn batch batchnorm batch_norm"),
        Row("act", "relu activation silu"),
        Row("norm-act", "bn-relu bn-act both true norm-relu"),
        Row("act-norm", "relu-bn act-bn"),
    ),
    "data": (
        Row("cifar10", "cifar cifar_ten"),
        Row("fashion-mnist", "fashion fmnist"),
        Row("folder", "imagefolder image_folder images directory dir custom imagenet files path"),
        Row("shapes", "synthetic toy fake fakedata random dummy"),
    ),
    "optimizer": (
        Row("sgd", "nesterov sgd_momentum sgd_nesterov gradient_descent"),
        Row("adamw", "adam nadam radam", "it is Adam with decoupled weight decay"),
    ),
    "schedule": (
        Row("onecycle", "one_cycle onecyclelr one_cycle_lr 1cycle super_convergence cyclic triangular"),
        Row("cosine", "cosine_annealing cosineannealinglr cosine_annealing_lr cosine_decay cos cosine_lr"),
        Row("step", "multistep multisteplr steplr step_lr multi_step piecewise"),
        Row("constant", "none fixed flat null false no constantlr"),
    ),
    "precision": (
        Row("float32", "fp32 f32 32 full single false no float highest 32true"),
        Row("bfloat16", "bf16 mixed amp 16 fp16 float16 half true f16 bf16mixed 16mixed"),
    ),
}
READY = "leave the row out: normalisation and conversion to tensors are done already"
NO_POLICY = "there is no such policy here; `SomeOf: {transforms: [...], n: 2}` draws some of a list"
CUTOUT = "CoarseDropout: {max_holes: 1, max_height: 16, max_width: 16}"
TRANSFORMS = (
    Row("HorizontalFlip", "RandomHorizontalFlip hflip fliplr flip_lr Flip RandomFlip mirror horizontal_flip"),
    Row("VerticalFlip", "RandomVerticalFlip vflip flipud flip_ud"),
    Row("Rotate", "RandomRotation RandomRotate rotation"),
    Row("Affine", "RandomAffine IAAAffine"),
    Row("ShiftScaleRotate", "RandomTranslation translate shift"),
    Row("Perspective", "RandomPerspective IAAPerspective"),
    Row("Erasing", "RandomErasing random_erase"),
    Row(CUTOUT, "Cutout RandomCutout cut_out GridMask"),
    Row("RandomScale", "RandomZoom zoom"),
    Row("RandomResizedCrop", "RandomSizedCropAndResize ResizedCrop"),
    Row("RandomCrop", "crop_random"),
    Row("RandomBrightnessContrast", "RandomBrightness RandomContrast Brightness Contrast"),
    Row("HueSaturationValue", "HueSaturation RandomHue RandomSaturation"),
    Row("ColorJitter", "ColourJitter jitter"),
    Row("GaussNoise", "GaussianNoise AddGaussianNoise noise"),
    Row("GaussianBlur", "RandomGaussianBlur"),
    Row("ToGray", "Grayscale RandomGrayscale greyscale"),
    Row("InvertImg", "RandomInvert Invert"),
    Row("Posterize", "RandomPosterize"),
    Row("Solarize", "RandomSolarize"),
    Row("Sharpen", "RandomAdjustSharpness RandomSharpness sharpness"),
    Row("AutoContrast", "RandomAutocontrast"),
    Row("Equalize", "RandomEqualize"),
    Row("ElasticTransform", "Elastic RandomElastic"),
    Row("ImageCompression", "JpegCompression JPEG RandomJPEG"),
    Row("NoOp", "Identity none"),
    Row("OneOf: {transforms: [...]}", "RandomChoice"),
    Row("Sequential: {transforms: [...]}", "RandomApply"),
    Row("", "Compose", "leave it out: `augment` is the list itself"),
    Row("", "Normalize Normalise Rescaling Rescale", READY),
    Row("", "ToTensor ToTensorV2 ToFloat FromFloat PILToTensor ConvertImageDtype ToImage ToDtype ToPILImage", READY),
    Row("", "AutoAugment RandAugment RandAug TrivialAugment TrivialAugmentWide AugMix", NO_POLICY),
    Row("", "Mixup Mix_up", "leave the row out and write `train: {mixup: 0.2}`"),
    Row("", "CutMix Mosaic", "there is none here; `train: {mixup: 0.2}` mixes pairs of images"),
)
ARGUMENTS = (
    Row("p", "prob probability chance"),
    Row("limit", "degrees angle max_angle angles"),
    Row("rotate", "degrees angle rotation"),
    Row("rotate_limit", "degrees angle rotate rotation"),
    Row("scale_limit", "scale zoom"),
    Row("shift_limit", "shift translate translation"),
    Row("translate_percent", "translate shift"),
    Row("max_holes", "num_holes n_holes holes"),
    Row("max_height", "max_h_size length size hole_height"),
    Row("max_width", "max_w_size hole_width"),
    Row("fill", "fill_color fillcolor colour color"),
    Row("brightness_limit", "brightness"),
    Row("contrast_limit", "contrast"),
    Row("blur_limit", "kernel_size kernel ksize"),
)

TABLE: dict[str, tuple[Row, ...]] = {
    "block": BLOCKS,
    "field": FIELDS,
    "section": SECTIONS,
    "train": TRAIN,
    "constraint": CONSTRAINTS,
    "feature": FEATURES,
    "transform": TRANSFORMS,
    "argument": ARGUMENTS,
    **VALUES,
}
"""Each place of the language, and the words that other tools have for what stands there."""
