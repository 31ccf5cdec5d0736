"""The operator table: one row an operator, one file each."""

from __future__ import annotations

from typing import Any

from toolkit.ops.add import Add
from toolkit.ops.attention_pool import AttentionPool
from toolkit.ops.average_pool_2d import AveragePool2D
from toolkit.ops.average_pool_padded import AveragePoolPadded
from toolkit.ops.batch_matmul import BatchMatmul
from toolkit.ops.concatenation import Concatenation
from toolkit.ops.conv_2d import Conv2D
from toolkit.ops.depthwise_conv_2d import DepthwiseConv2D
from toolkit.ops.div import Div
from toolkit.ops.exp import Exp
from toolkit.ops.expand_dims import ExpandDims
from toolkit.ops.fully_connected import FullyConnected
from toolkit.ops.gru import Gru
from toolkit.ops.hard_swish import HardSwish
from toolkit.ops.l2_normalization import L2Normalization
from toolkit.ops.leaky_relu import LeakyRelu
from toolkit.ops.log_softmax import LogSoftmax
from toolkit.ops.logistic import Logistic
from toolkit.ops.lstm import Lstm
from toolkit.ops.lstm_begun import LstmBegun
from toolkit.ops.lstm_custom import LstmCustom
from toolkit.ops.max_pool_2d import MaxPool2D
from toolkit.ops.maximum import Maximum
from toolkit.ops.mean import Mean
from toolkit.ops.minimum import Minimum
from toolkit.ops.mul import Mul
from toolkit.ops.normalization import Normalization
from toolkit.ops.pad import Pad
from toolkit.ops.pad_v2 import PadV2
from toolkit.ops.parts.base import Operator
from toolkit.ops.prelu import Prelu
from toolkit.ops.quantize import Quantize
from toolkit.ops.reduce_max import ReduceMax
from toolkit.ops.relu import Relu
from toolkit.ops.relu6 import Relu6
from toolkit.ops.reshape import Reshape
from toolkit.ops.resize_bilinear import ResizeBilinear
from toolkit.ops.softmax import Softmax
from toolkit.ops.sqrt import Sqrt
from toolkit.ops.squared_difference import SquaredDifference
from toolkit.ops.squeeze import Squeeze
from toolkit.ops.strided_slice import StridedSlice
from toolkit.ops.sub import Sub
from toolkit.ops.sum import Sum
from toolkit.ops.svdf import Svdf
from toolkit.ops.svdf_state import SvdfState
from toolkit.ops.table import Table
from toolkit.ops.tanh import Tanh
from toolkit.ops.transpose import Transpose
from toolkit.ops.variance import Variance
from toolkit.ops.weighted_variance import WeightedVariance

OPERATORS: dict[str, Operator[Any]] = {
    op.name: op
    for op in (
        Add(),
        AttentionPool(),
        AveragePool2D(),
        AveragePoolPadded(),
        BatchMatmul(),
        Concatenation(),
        Conv2D(),
        DepthwiseConv2D(),
        Div(),
        Exp(),
        ExpandDims(),
        FullyConnected(),
        Gru(),
        HardSwish(),
        L2Normalization(),
        LeakyRelu(),
        LogSoftmax(),
        Logistic(),
        Lstm(),
        LstmBegun(),
        LstmCustom(),
        MaxPool2D(),
        Maximum(),
        Mean(),
        Minimum(),
        Mul(),
        Normalization(),
        Pad(),
        PadV2(),
        Prelu(),
        Quantize(),
        ReduceMax(),
        Relu(),
        Relu6(),
        Reshape(),
        ResizeBilinear(),
        Softmax(),
        Sqrt(),
        SquaredDifference(),
        Squeeze(),
        StridedSlice(),
        Sub(),
        Sum(),
        Svdf(),
        SvdfState(),
        Table(),
        Tanh(),
        Transpose(),
        Variance(),
        WeightedVariance(),
    )
}
