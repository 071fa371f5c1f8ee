"""The table of words of other tools, by category, with the word of this language that each of them means."""

import re
from typing import NamedTuple


class Alias(NamedTuple):
    """What to write (`norm: batch`), the words of other tools for it, and an optional note.

    An empty `ours` means there is no equivalent, and the note is what to do instead.
    """

    ours: str
    theirs: str
    note: str = ""

    @property
    def word(self) -> str:
        """The first word of ours: `norm: batch -> norm`."""
        found = re.search(r"[\w-]+", self.ours)
        return found[0] if found else ""

    def advice(self, dash: str = "") -> str:
        is_word = re.fullmatch(r"[\w-]+", dash + self.ours)
        written = f"write {self.ours}" if is_word else f"write `{dash}{self.ours}`" if self.ours else ""
        return "; ".join(part for part in (written, self.note) if part)


LEFT_OUT = "leave it out"
NOT_WRITTEN = "leave it out: the input is the output of the row before"

GROUPED = "grouped_conv group_conv gconv resnext"

BLOCKS = (
    Alias(
        "conv: 32",
        "convolution conv_layer conv_block conv_bn conv_bn_relu conv_bn_act conv3x3 basic_conv cbr cba standard_conv "
        "conv2d_norm_activation conv_norm_act conv_module conv1d conv3d",
    ),
    Alias("conv: {out_channels: 32, kernel_size: 5}", "conv5x5 conv7x7 conv9x9 large_kernel"),
    Alias("conv: {out_channels: 32, groups: 4}", f"grouped {GROUPED}"),
    Alias("strided: 32", "strided_conv conv_strided stride conv_s2 down downsample downsampling conv_down"),
    Alias("dilated: 32", "dilated_conv conv_dilated dilation dilate atrous atrous_conv aspp"),
    Alias(
        "dwsep: 32",
        "depthwise_separable depthwise_separable_conv depthwise_separable_convolution separable separable_conv "
        "separable_convolution sep_conv sepconv dsconv ds_conv dw_sep dws dwsconv dw_separable ghost_conv",
    ),
    Alias("pointwise: 32", "pw pw_conv pointwise_conv conv1x1 conv_1x1 1x1 1x1conv conv1 nin network_in_network"),
    Alias("depthwise", "dw dw_conv depthwise_conv depthwise_convolution conv_dw"),
    Alias(
        "residual: [...]",
        "residual_block res_block resblock res resnet_block basic_block bottleneck skip skip_connection shortcut "
        "resnet add sum eltwise",
    ),
    Alias(
        "branches: {paths: {...}}", "branch parallel inception inception_block concat cat concatenate route fork split"
    ),
    Alias("repeat: {times: 2, layers: [...]}", "loop times stack repeated for module_list"),
    Alias(
        "squeeze_excite",
        "se se_block se_layer se_module squeeze squeeze_excitation squeeze_and_excitation squeeze_and_excite senet "
        "channel_attention eca",
    ),
    Alias(
        "inverted_residual: 32",
        "mbconv mb_conv mbconv6 fused_mbconv inverted_bottleneck inverted_residual_block inverted irb ir "
        "mobilenet_block linear_bottleneck conv_next",
    ),
    Alias("maxpool", "max_pool max_pooling pool pooling mp maximum_pooling max"),
    Alias("avgpool", "avg_pool average_pool average_pooling avg_pooling mean_pool mean_pooling avg mean ap"),
    Alias(
        "gap",
        "global_avg_pool global_average_pool global_average_pooling global_avg_pooling global_pool global_pooling "
        "adaptive_avg_pool adaptive_average_pool adaptive_average_pooling adaptive_pool adaptive_pooling "
        "avg_pool_global",
    ),
    Alias("flatten", "flat view reshape ravel"),
    Alias("linear", "dense fc fully_connected inner_product mlp classifier head cls_head output logits"),
    Alias("dropout: 0.1", "drop drop_out alpha_dropout"),
    Alias("dropout: {p: 0.1, kind: channel}", "dropout2d spatial_dropout spatial_dropout2d dropblock"),
    Alias("norm: batch", "bn batchnorm batch_norm batch_normalization normalization sync_bn sync_batch_norm"),
    Alias("norm: layer", "ln layernorm layer_norm layer_normalization"),
    Alias("norm: {group: 8}", "gn groupnorm group_norm group_normalization instance_norm instance_normalization"),
    Alias("activation: relu", "act activ nonlinearity non_linearity"),
    Alias("", "identity noop no_op pass", "leave the row out; in branches an empty path is the identity"),
    Alias("", "sequential block module layers", "leave it out: the rows of a block run in order"),
    Alias("", "input input_layer", "leave the row out: the image is `input: [channels, height, width]` at the top"),
    Alias("", "zero_padding zero_pad pad padding", "leave the row out: rows have a field padding"),
    Alias("", "softmax log_softmax", "leave the row out: the loss of training takes the output of `linear`"),
    Alias(
        "",
        "upsample conv_transpose conv2d_transpose deconv pixel_shuffle upsampling",
        "leave the row out: no block enlarges a map",
    ),
    Alias(
        "gap",
        "global_max_pool global_max_pooling adaptive_max_pool adaptive_max_pooling",
        "there is no global max pooling",
    ),
)
FIELDS = (
    Alias(
        "out_channels",
        "filters num_filters n_filters nb_filters channels num_channels n_channels out outputs out_ch oup out_planes "
        "planes features num_features n_out num_output output_channels outchannel c c_out cout ch dim width units",
    ),
    Alias("out_features", "units features out num_units n_units out_channels num_classes outputs num_output size dim"),
    Alias(
        "kernel_size",
        "kernel kernels k ks ksize kernelsize kernel_shape size filter_size window window_size pool_size poolsize "
        "pool kernel_h kernel_w",
    ),
    Alias("stride", "strides s st step steps subsample stride_h stride_w"),
    Alias("padding", "pad pads pad_size border_mode padding_size p"),
    Alias("dilation", "dilations d dilation_rate dilate rate atrous_rate atrous"),
    Alias("groups", "group g num_groups n_groups cardinality num_group"),
    Alias("bias", "use_bias with_bias bias_term biases no_bias has_bias"),
    Alias("norm", "norm_layer norm_type normalization norm_cfg normalize normalisation"),
    Alias("norm: batch", "bn use_bn batch_norm batchnorm use_batch_norm use_batchnorm batch_normalization with_bn"),
    Alias("norm: layer", "ln layer_norm layernorm"),
    Alias("norm: {group: 8}", "gn group_norm groupnorm"),
    Alias(
        "activation",
        "act act_fn activation_fn activation_function act_func activ nonlinearity non_linearity nonlin act_layer "
        "activation_layer activation_type act_type use_relu",
    ),
    Alias("activation: relu", "relu with_relu"),
    Alias("order", "sequence arrangement stage_order pre_activation preact"),
    Alias("dropout", "drop dropout_rate drop_rate dropout_p drop_prob dropout_prob p_drop drop_p spatial_dropout"),
    Alias("multiplier", "depth_multiplier channel_multiplier width_multiplier mult depthmult filters"),
    Alias("between", "middle mid inner intermediate"),
    Alias("layers", "rows body main modules main_path block blocks sequence children inner content network"),
    Alias("shortcut", "skip skip_connection downsample projection residual short"),
    Alias("paths", "branches branch lanes ways streams parallel"),
    Alias("merge", "mode merge_mode op operation how join combine aggregation fusion"),
    Alias("times", "n num number repeats repeat count depth num_blocks num_repeats n_times num_layers"),
    Alias("reduction", "r ratio reduction_ratio rd_ratio squeeze_ratio squeeze_factor se_ratio squeeze"),
    Alias("gate", "gate_activation gate_fn gate_layer gating scale_activation"),
    Alias("expansion", "expand expand_ratio expansion_factor expansion_ratio exp_ratio expand_factor t e exp"),
    Alias(
        "squeeze_excite",
        "se use_se se_ratio se_reduction squeeze_excitation se_layer",
        "it takes a reduction: a ratio of 0.25 is 4",
    ),
    Alias("ceil_mode", "ceil use_ceil"),
    Alias("count_include_pad", "include_pad count_pad"),
    Alias("name", "id label title alias layer_name"),
    Alias("count", "n number times how_many amount occurrences"),
    Alias(
        "",
        "in_channels in_planes inplanes input_channels in_ch in_chs inp c_in cin in_features input_dim in_dim "
        "input_features nin",
        NOT_WRITTEN,
    ),
    Alias(
        "",
        "inplace dtype device padding_mode data_format kernel_initializer kernel_regularizer bias_initializer "
        "weight_init initializer init affine track_running_stats trainable return_indices output_padding transposed",
        "leave it out: it cannot be configured",
    ),
    Alias("", "output_size", "leave it out: gap always leaves one position"),
    Alias("", "input_shape", "leave it out: the image is `input: [channels, height, width]` at the top"),
    Alias("", "start_dim end_dim", "leave it out: flatten takes channels and positions alike"),
)
SECTIONS = (
    Alias("advconv", "version language schema format lang spec"),
    Alias("name", "title model_name id net_name arch_name"),
    Alias(
        "input",
        "input_shape input_size img_size image_size image shape in_shape imgsz input_dim inputs input_dims img_shape "
        "image_shape resolution size",
    ),
    Alias(
        "classes",
        "num_classes nc n_classes nb_classes n_class num_class num_labels output_dim outputs output out_features "
        "number_of_classes class labels",
    ),
    Alias("defaults", "default globals common settings global_settings style"),
    Alias(
        "network",
        "layers blocks model architecture arch net backbone nn structure body modules graph topology stages sequential",
    ),
    Alias(
        "constraints", "constraint limits limit requirements requirement rules checks budget targets goals assertions"
    ),
    Alias("data", "dataset datasets data_set dataloader"),
    Alias(
        "augment",
        "augmentation augmentations aug augs transforms transform data_augmentation albumentations train_transforms "
        "train_transform",
    ),
    Alias("train", "training trainer fit recipe hyperparameters hyperparams hyp hparams params optimization config"),
)
TRAIN = (
    Alias(
        "epochs", "epoch num_epochs n_epochs nb_epochs nb_epoch max_epochs total_epochs num_train_epochs train_epochs"
    ),
    Alias(
        "batch_size",
        "batchsize bs batch mini_batch minibatch mini_batch_size train_batch_size per_device_train_batch_size "
        "batch_sz n_batch",
    ),
    Alias("optimizer", "optim opt optimiser solver optimizer_type algorithm"),
    Alias(
        "lr", "learning_rate learningrate lr0 base_lr max_lr initial_lr init_lr eta alpha rate step_size peak_lr lr_max"
    ),
    Alias("momentum", "mom beta1 beta_1 betas sgd_momentum"),
    Alias("weight_decay", "wd weightdecay l2 l2_reg l2_regularization regularization decay reg lambda"),
    Alias("schedule", "lr_schedule scheduler lr_scheduler sched lr_policy lr_decay scheduler_type policy annealing"),
    Alias("label_smoothing", "smoothing label_smooth smooth ls smoothing_eps labelsmoothing"),
    Alias("distill", "distillation kd knowledge_distillation teacher"),
    Alias("initial_scale", "progressive_resizing initial_size start_scale start_size"),
    Alias("mixup", "mixup_alpha mix_up mix mixup_prob"),
    Alias("cutmix", "cutmix_alpha cut_mix cutmix_prob"),
    Alias("ema", "ema_decay model_ema model_ema_decay averaging ema_momentum swa polyak use_ema weight_averaging"),
    Alias(
        "clip",
        "grad_clip clip_grad clip_grad_norm gradient_clip_val gradient_clip gradient_clipping max_grad_norm max_norm "
        "clipnorm clip_norm grad_clip_norm",
    ),
    Alias("precision", "dtype mixed_precision data_type"),
    Alias("precision: bfloat16", "amp fp16 bf16 half autocast use_amp float16 bfloat16 use_fp16"),
    Alias("seed", "random_seed random_state manual_seed rng rng_seed torch_seed"),
    Alias(
        "val_split",
        "validation_split val validation val_size val_fraction valid_pct valid_split val_ratio valid_size holdout "
        "validation_size",
        "it is a number of images",
    ),
    Alias("", "loss criterion loss_fn", "leave it out: the loss is cross entropy, with label_smoothing"),
    Alias("", "nesterov", "leave it out: sgd always has Nesterov momentum"),
    Alias("", "shuffle", "leave it out: every epoch shuffles the images"),
    Alias("", "num_workers workers n_workers", "leave it out: it is an option, `advconv train --workers N`"),
    Alias("", "device gpu gpus accelerator cuda", "leave it out: it is an option, `advconv train --device cuda`"),
    Alias("", "metrics metric", "leave it out: the accuracy is measured in every epoch"),
)
CONSTRAINTS = (
    Alias(
        "receptive_field",
        "rf receptive field theoretical_rf theoretical_receptive_field rf_size receptivefieldsize field_of_view fov "
        "max_rf rf_max trf",
    ),
    Alias("rf_min", "min_rf min_receptive_field minimum_rf narrowest narrowest_rf receptive_field_min"),
    Alias(
        "params",
        "parameters num_params n_params model_params param_count parameter_count total_params trainable_params "
        "num_parameters nb_params param max_params number_of_parameters",
    ),
    Alias("macs", "mac gmacs mmacs madds multadds mult_adds multiply_adds mul_adds mmac gmac"),
    Alias("macs", "flops gflops mflops flop max_flops tflops num_flops", "FLOPs are twice the MACs: halve the number"),
    Alias("weights", "model_size size weight_size weight_bytes weight_memory file_size disk model_bytes param_memory"),
    Alias("memory", "mem peak_memory peak_mem ram vram gpu_memory activation_memory inference_memory max_memory"),
    Alias("training_memory", "train_memory train_mem training_mem memory_training"),
    Alias("uses", "use used required requires must_use must_have include includes features need needs has contains"),
    Alias(
        "forbids",
        "forbid forbidden not_allowed disallow disallowed exclude excludes excluded without ban banned bans no_use "
        "prohibited must_not_use avoid",
    ),
    Alias(
        "accuracy", "acc top1 top_1 top1_acc test_acc val_acc test_accuracy val_accuracy accuracy_top1 score min_acc"
    ),
)
FEATURES = (
    Alias("add", "residual residual_connection skip_connection shortcut sum inverted_residual mbconv"),
    Alias("concat", "branches inception parallel cat concatenate"),
    Alias("multiply", "squeeze_excite se mul scale gate squeeze_excitation se_block"),
    Alias("grouped", f"groups group {GROUPED}"),
    Alias("strided", "strides"),
    Alias("dilated", "dilations"),
    Alias("activation", "relu silu gelu activations swish leaky_relu"),
    Alias("norm", "batch norms"),
    *(Alias(alias.word, alias.theirs) for alias in BLOCKS if alias.ours and GROUPED not in alias.theirs),
)
VALUES = {
    "activation": (
        Alias("relu", "relu_ rectifier rectified_linear true"),
        Alias("leaky_relu", "lrelu leaky"),
        Alias("silu", "swish sil swish_1"),
        Alias("gelu", "gelu_tanh gelu_new"),
        Alias("hardswish", "h_swish hswish hard_silu"),
        Alias("hardsigmoid", "h_sigmoid hsigmoid"),
        Alias("sigmoid", "logistic sigm"),
        Alias("tanh", "hyperbolic_tangent tan_h"),
        Alias("prelu", "parametric_relu"),
        Alias("none", "linear identity null false no off noop nothing"),
        Alias("none", "softmax log_softmax", "the loss of training takes the output of `linear`"),
    ),
    "norm": (
        Alias("batch", "bn batchnorm batch_norm batch_normalization true yes on sync_bn sync_batchnorm"),
        Alias("layer", "ln layernorm layer_norm layer_normalization"),
        Alias("{group: 8}", "gn groupnorm group_norm group group_normalization"),
        Alias(
            "{group: 8}",
            "instance instancenorm instance_norm in",
            "with as many groups as channels it is an instance norm",
        ),
        Alias("none", "null false no off identity nothing"),
    ),
    "norm argument": (
        Alias("num_groups", "groups group g n_groups ngroups"),
        Alias("eps", "epsilon e"),
        Alias("momentum", "mom decay"),
        Alias("", "affine track_running_stats num_features num_channels", LEFT_OUT),
    ),
    "dropout argument": (
        Alias("p", "rate prob probability drop_rate drop_prob dropout dropout_rate share ratio"),
        Alias("kind", "type mode channels spatial dim"),
        Alias("", "inplace", LEFT_OUT),
    ),
    "kind": (
        Alias("channel", "spatial dropout2d channels 2d feature map channelwise"),
        Alias("element", "standard normal elementwise 1d elements unit"),
    ),
    "order": (
        Alias("conv-norm-act", "conv-bn-relu conv-bn-act conv_bn_relu cbr cba cna post post-activation postact"),
        Alias("conv-act-norm", "conv-relu-bn conv-act-bn crb cab can"),
        Alias("norm-act-conv", "bn-relu-conv bn-act-conv pre preact pre-activation brc bac nac"),
    ),
    "padding": (
        Alias("same", "same_upper same_lower half auto true"),
        Alias("valid", "none no false null zero off"),
        Alias("same", "reflect replicate circular zeros", "padding is with zeros"),
    ),
    "groups": (Alias("depthwise", "dw in_channels channels full all c depth_wise"),),
    "dropout": (Alias("0", "none no false null off"),),
    "truth": (Alias("true", "yes on y 1 t"), Alias("false", "no off n 0 f none null")),
    "shortcut": (
        Alias("identity", "skip id same true"),
        Alias("projection", "conv conv1x1 1x1 proj project option_b b downsample pointwise"),
        Alias("pad", "zero zero_pad zero_padding option_a a padding"),
        Alias("", "none null false no", "leave `residual` out and keep its rows"),
    ),
    "merge": (
        Alias("concat", "cat concatenate concatenation stack join"),
        Alias("add", "sum plus addition elementwise_add residual"),
        Alias("multiply", "mul prod product times multiplication gate"),
    ),
    "between": (
        Alias("none", "null false no nothing linear"),
        Alias("norm", "bn batch batchnorm batch_norm"),
        Alias("act", "relu activation silu"),
        Alias("norm-act", "bn-relu bn-act both true norm-relu"),
        Alias("act-norm", "relu-bn act-bn"),
    ),
    "data": (
        Alias("cifar10", "cifar cifar_ten"),
        Alias("fashion-mnist", "fashion fmnist"),
        Alias("folder", "imagefolder image_folder images directory dir custom imagenet files path"),
        Alias("shapes", "synthetic toy fake fakedata random dummy"),
    ),
    "optimizer": (
        Alias("sgd", "nesterov sgd_momentum sgd_nesterov gradient_descent"),
        Alias("adamw", "adam nadam radam", "it is Adam with decoupled weight decay"),
        Alias("muon", "muonw adamuon"),
    ),
    "schedule": (
        Alias("onecycle", "one_cycle onecyclelr one_cycle_lr 1cycle super_convergence cyclic triangular"),
        Alias("cosine", "cosine_annealing cosineannealinglr cosine_annealing_lr cosine_decay cos cosine_lr"),
        Alias("step", "multistep multisteplr steplr step_lr multi_step piecewise"),
        Alias("constant", "none fixed flat null false no constantlr"),
    ),
    "precision": (
        Alias("float32", "fp32 f32 32 full single false no float highest 32true"),
        Alias("bfloat16", "bf16 mixed amp 16 fp16 float16 half true f16 bf16mixed 16mixed"),
    ),
}
READY = "leave the row out: normalisation and conversion to tensors are done already"
NO_POLICY = "policies are not available; `SomeOf: {transforms: [...], n: 2}` draws some of a list"
CUTOUT = "CoarseDropout: {max_holes: 1, max_height: 16, max_width: 16}"
TRANSFORMS = (
    Alias("HorizontalFlip", "RandomHorizontalFlip hflip fliplr flip_lr Flip RandomFlip mirror horizontal_flip"),
    Alias("VerticalFlip", "RandomVerticalFlip vflip flipud flip_ud"),
    Alias("Rotate", "RandomRotation RandomRotate rotation"),
    Alias("Affine", "RandomAffine IAAAffine"),
    Alias("ShiftScaleRotate", "RandomTranslation translate shift"),
    Alias("Perspective", "RandomPerspective IAAPerspective"),
    Alias("Erasing", "RandomErasing random_erase"),
    Alias(CUTOUT, "Cutout RandomCutout cut_out GridMask"),
    Alias("RandomScale", "RandomZoom zoom"),
    Alias("RandomResizedCrop", "RandomSizedCropAndResize ResizedCrop"),
    Alias("RandomCrop", "crop_random"),
    Alias("RandomBrightnessContrast", "RandomBrightness RandomContrast Brightness Contrast"),
    Alias("HueSaturationValue", "HueSaturation RandomHue RandomSaturation"),
    Alias("ColorJitter", "ColourJitter jitter"),
    Alias("GaussNoise", "GaussianNoise AddGaussianNoise noise"),
    Alias("GaussianBlur", "RandomGaussianBlur"),
    Alias("ToGray", "Grayscale RandomGrayscale greyscale"),
    Alias("InvertImg", "RandomInvert Invert"),
    Alias("Posterize", "RandomPosterize"),
    Alias("Solarize", "RandomSolarize"),
    Alias("Sharpen", "RandomAdjustSharpness RandomSharpness sharpness"),
    Alias("AutoContrast", "RandomAutocontrast"),
    Alias("Equalize", "RandomEqualize"),
    Alias("ElasticTransform", "Elastic RandomElastic"),
    Alias("ImageCompression", "JpegCompression JPEG RandomJPEG"),
    Alias("NoOp", "Identity none"),
    Alias("OneOf: {transforms: [...]}", "RandomChoice"),
    Alias("Sequential: {transforms: [...]}", "RandomApply"),
    Alias("", "Compose", "leave it out: `augment` is the list itself"),
    Alias("", "Normalize Normalise Rescaling Rescale", READY),
    Alias("", "ToTensor ToTensorV2 ToFloat FromFloat PILToTensor ConvertImageDtype ToImage ToDtype ToPILImage", READY),
    Alias("", "AutoAugment RandAugment RandAug TrivialAugment TrivialAugmentWide AugMix", NO_POLICY),
    Alias("", "Mixup Mix_up", "leave the row out and write `train: {mixup: 0.2}`"),
    Alias("", "CutMix Cutmix Cut_mix", "leave the row out and write `train: {cutmix: 1}`"),
    Alias("", "Mosaic", "not available; `train: {cutmix: 1}` puts a part of an image into another"),
)
ARGUMENTS = (
    Alias("p", "prob probability chance"),
    Alias("limit", "degrees angle max_angle angles"),
    Alias("rotate", "degrees angle rotation"),
    Alias("rotate_limit", "degrees angle rotate rotation"),
    Alias("scale_limit", "scale zoom"),
    Alias("shift_limit", "shift translate translation"),
    Alias("translate_percent", "translate shift"),
    Alias("max_holes", "num_holes n_holes holes"),
    Alias("max_height", "max_h_size length size hole_height"),
    Alias("max_width", "max_w_size hole_width"),
    Alias("fill", "fill_color fillcolor colour color"),
    Alias("brightness_limit", "brightness"),
    Alias("contrast_limit", "contrast"),
    Alias("blur_limit", "kernel_size kernel ksize"),
)

TABLE: dict[str, tuple[Alias, ...]] = {
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
"""The words of other tools by category."""
