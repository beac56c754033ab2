"""How a call of `fit` ends: whether training is over, and what a user must know then.

A callback such as `EarlyStopping` may stop training, or put back the weights of its
best epoch, before the masks are as sparse as asked.
"""

from __future__ import annotations

import warnings

from keras_nest.training.callbacks import MaskUpdates

_ENOUGH = 0.95  # of the asked sparsities: what is left changes few weights
_ROUNDING = 1e-6  # a progress is kept in float32
_STACK = 3  # the caller of `fit`


def is_over(updates: MaskUpdates, stopped: bool) -> bool:
    """Whether the whole training has ended, so that masks and statistics are final.

    Args:
        updates: The callback that ranked the masks.
        stopped: Whether a callback has stopped the training.
    """
    if updates.finished or not stopped:
        return updates.finished
    return updates.schedule.epochs is None


def warn_of_pause(updates: MaskUpdates, masks_frozen: bool) -> None:
    """Training was stopped by a callback, but the schedule says that it is longer."""
    calls = "model.recalibrate(x)"
    if not masks_frozen:
        calls = f"model.update_masks() and {calls}"
    warnings.warn(
        f"Training was stopped before the end of its schedule (epochs="
        f"{updates.schedule.epochs}) and can be continued with `initial_epoch`: "
        "the statistics of the levels are not measured"
        + ("" if masks_frozen else ", and masks are not as sparse as asked")
        + f". To end it here, call {calls}, or leave the schedule without `epochs`.",
        stacklevel=_STACK,
    )


def warn_of_short_ramp(updates: MaskUpdates, progress: float) -> None:
    """Masks become final, and the weights have not been trained with masks so sparse.

    Args:
        updates: The callback that ranked the masks.
        progress: Progress at which the masks were last ranked, below 0 for never.
    """
    factor = updates.factor_at(progress)
    put_back = progress < updates.progress - _ROUNDING
    if factor >= _ENOUGH or (updates.ran_to_the_end and not put_back):
        return
    epochs = updates.epochs_until_full
    warnings.warn(
        f"Training ended with weights whose masks had {factor:.0%} of the asked "
        "sparsities. They have them in full now, with no training after. Let it run "
        f"for more than {epochs} epochs, for example with "
        f"EarlyStopping(start_from_epoch={epochs}), or rank the masks sooner: "
        "schedule=CubicRamp(end=...).",
        stacklevel=_STACK,
    )
