"""The file that `advconv new` writes."""

STARTER = """\
advconv: 1                    # version of the language
name: "{name}"
input: [3, 32, 32]            # channels, height, width
classes: 10                   # what the network must put out

defaults:                     # for every convolutional unit that does not say otherwise
  norm: batch                 # batch, layer, none, {{group: 8}}
  activation: relu            # relu, silu, gelu, ..., none
  order: conv-norm-act        # or conv-act-norm, norm-act-conv
  padding: same               # same, valid, a number, [height, width], [top, bottom, left, right]

network:                      # blocks in order; their names are yours
  C1:
    - conv: 32                # a 3x3 convolution to 32 channels with norm and activation
    - strided: 48             # stride 2: the map halves
  C2:
    - dwsep: 64               # depthwise separable: 3x3 by channel, then 1x1
    - dilated: 64             # dilation 2: a 3x3 kernel that spans 5x5
    - strided: 64
  C3:
    - residual:               # rows beside a shortcut
        - conv: 64
        - conv: {{out_channels: 64, activation: none}}
  O:
    - gap                     # global average pooling
    - linear                  # to the number of classes

constraints:                  # what the network promises; `advconv check` holds it to them
  receptive_field: "> 36"
  params: "< 200k"
  uses: {{dwsep: ">= 1", dilated: ">= 1", gap: "== 1"}}
  forbids: [maxpool]
"""
