"""The operators that models may have, all of ONNX's own domain: none with a graph inside, none that reads a file."""

MIL_MODEL = frozenset(
    {
        "Add", "ArgMax", "Div", "Gather", "Identity", "MatMul", "Mul", "ReduceMean", "Sigmoid", "Softmax", "Squeeze",
        "Sub", "Tanh", "Transpose", "Unsqueeze",
    }
)  # fmt: skip
"""Of mil.onnx: hazards of tiles as `medulla train` writes them, and the attention networks of earlier bundles."""
NETWORK = MIL_MODEL | frozenset(
    {
        "Abs", "Acos", "AffineGrid", "And", "ArgMin", "Asin", "Atan", "Attention", "AveragePool",
        "BatchNormalization", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast",
        "CastLike", "Ceil", "Celu", "CenterCropPad", "Clip", "Col2Im", "Compress", "Concat", "Constant",
        "ConstantOfShape", "Conv", "ConvInteger", "ConvTranspose", "Cos", "Cosh", "CumSum", "DepthToSpace",
        "DequantizeLinear", "Dropout", "DynamicQuantizeLinear", "Einsum", "Elu", "Equal", "Erf", "Exp",
        "Expand", "EyeLike", "Flatten", "Floor", "GatherElements", "GatherND", "Gelu", "Gemm",
        "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "GridSample",
        "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "InstanceNormalization", "IsInf",
        "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax",
        "LpNormalization", "LpPool", "MatMulInteger", "Max", "MaxPool", "Mean", "MeanVarianceNormalization",
        "Min", "Mish", "Mod", "Neg", "NonZero", "Not", "OneHot", "Or", "PRelu", "Pad", "Pow", "QLinearConv",
        "QLinearMatMul", "QuantizeLinear", "RMSNormalization", "Range", "Reciprocal", "ReduceL1",
        "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum",
        "ReduceSumSquare", "Relu", "Reshape", "Resize", "RotaryEmbedding", "Round", "ScatterElements",
        "ScatterND", "Selu", "Shape", "Sign", "Sin", "Sinh", "Size", "Slice", "Softplus", "Softsign",
        "SpaceToDepth", "Split", "Sqrt", "Sum", "Swish", "Tan", "ThresholdedRelu", "Tile", "TopK", "Trilu",
        "Upsample", "Where", "Xor",
    }
)  # fmt: skip
"""Of encoder.onnx: what exporters write for networks of images."""
