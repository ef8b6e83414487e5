"""The operators that a compiled model may have: a closed list.

They are what our compiler and the usual converters make of estimators, and what exports of neural
networks have: convolutions, poolings, norms, and recurrent layers. Each takes a time and a
memory that follow from the sizes of what it gets, and none has a graph inside. Left out are loops,
conditions and sequences; random numbers; what makes texts longer; and what makes an output as large
as a *value* says (`Range`, `Pad`, `Resize`, `NonZero`), so that no request chooses how much memory
it takes.
"""

_STANDARD = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization Cast CastLike Ceil
Celu Clip Concat Constant ConstantOfShape Cos Cosh CumSum Div Elu Equal Erf Exp Expand Flatten
Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual HardSigmoid HardSwish Hardmax
Identity IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
LpNormalization MatMul Max Mean Min Mish Mod Mul Neg Not OneHot Or PRelu Pow Reciprocal
ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
ReduceSumSquare Relu Reshape Round ScatterElements Selu Shape Sigmoid Sign Sin Sinh Size
Slice Softmax Softplus Softsign Split Sqrt Squeeze StringNormalizer Sub Sum Tan Tanh
TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
"""
_NEURAL = """
AveragePool Conv DepthToSpace Dropout GRU GlobalAveragePool GlobalMaxPool GroupNormalization
InstanceNormalization LRN LSTM LpPool MaxPool RMSNormalization RNN SpaceToDepth
"""
_MACHINE_LEARNING = """
ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LabelEncoder LinearClassifier
LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble
TreeEnsembleClassifier TreeEnsembleRegressor
"""
ALLOWED = {
    "": frozenset((_STANDARD + _NEURAL).split()),
    "ai.onnx": frozenset((_STANDARD + _NEURAL).split()),
    "ai.onnx.ml": frozenset(_MACHINE_LEARNING.split()),
}
"""The names of operators by their domain."""
SIZES_FROM = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "OneHot": 1}
"""Which input of an operator says how large its output is."""
WINDOWED = frozenset({"AveragePool", "Conv", "LpPool", "MaxPool"})
"""Operators whose output is also as large as a margin says that an attribute gives."""
LARGEST_MARGIN = 1024
