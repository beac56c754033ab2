"""Sorting a model's channels by importance, without changing what it computes.

Units of a layer have no order of their own, so that those of a trained model can be
sorted before only the first ones are kept: Corti et al., "REDS: Resource-Efficient Deep
Subnetworks for Dynamic Resource Constraints" (arXiv 2311.13349).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_nest.nesting.channels import channels_of

Array = np.ndarray[Any, Any]


def permute_channels(
    model: Any, importance: Mapping[str, Any]
) -> tuple[keras.Model, dict[str, Array]]:
    """Sorts the channels of a model, the most important first.

    A convolution's filters or a Dense layer's units are sorted with all that belongs to
    them: biases, BatchNormalization, depthwise filters, and the inputs of the layers
    that read them. Channels that an Add joins are sorted together. Where the order of
    channels matters (inputs and outputs of the model, Concatenate, Reshape, layers that
    are not known here) they stay as they are.

    Args:
        model: What `keras_nest.nest` takes.
        importance: Layer name -> importance of each weight, of the kernel's shape, as
            `taylor_importance` gives it. A channel's is the sum over the weights of its
            filters, depthwise ones among them; a layer that is not named has none.

    Returns:
        The model as a plain, flat functional model, which computes the same, with the
        layers' names as in the nested model; and by the names of the layers whose
        outputs were sorted, which channel of before is at each place.

    Raises:
        NestError: If the model cannot be nested, or importances have another shape.
    """
    flat, channels = channels_of(model)
    orders = {}
    for group in channels.groups():
        order = group.order(importance)
        for part in group.parts:
            part.sort(order)
            if part.is_producer:
                orders[part.layer.name] = order
    return flat, orders
