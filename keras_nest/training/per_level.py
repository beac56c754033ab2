"""What a user gives for one output, spread over the outputs of all levels."""

from __future__ import annotations

from typing import Any

import keras


def by_level(value: Any, names: list[str]) -> dict[str, Any] | None:
    """The same value for every level, unless it is a dict by level already."""
    if value is None or (isinstance(value, dict) and set(value) == set(names)):
        return value
    return dict.fromkeys(names, value)


def metrics_by_level(metrics: Any, names: list[str]) -> dict[str, Any] | None:
    """Copies of the metrics for every level: the state of one cannot serve two."""
    if metrics is None or (isinstance(metrics, dict) and set(metrics) == set(names)):
        return metrics
    if not isinstance(metrics, list | tuple):
        metrics = [metrics]
    return {name: [_copy_of(metric) for metric in metrics] for name in names}


def in_level_order(weights: Any, names: list[str]) -> list[float]:
    """Weights of the losses, a list or by level, as a list from the sparsest level."""
    values = [weights[n] for n in names] if isinstance(weights, dict) else weights
    return [float(value) for value in values]


def joined(first: Any, second: Any, names: list[str]) -> dict[str, Any] | None:
    """The metrics of both for each level."""
    if first is None or second is None:
        return second if first is None else first
    return {name: [*_listed(first[name]), *_listed(second[name])] for name in names}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _copy_of(metric: Any) -> Any:
    if isinstance(metric, keras.metrics.Metric):
        return type(metric).from_config(metric.get_config())
    return metric


def spread(value: Any, y_pred: dict[str, Any]) -> Any:
    """Gives every level the same labels or sample weights."""
    if value is None or (isinstance(value, dict) and set(value) == set(y_pred)):
        return value
    return dict.fromkeys(y_pred, value)
