"""Per-layer sparsities from a budget: which layer may keep how much at which level.

A multiple-choice knapsack, after Corti et al., "REDS: Resource-Efficient Deep
Subnetworks for Dynamic Resource Constraints" (arXiv 2311.13349), which chooses
channels; here each layer chooses one of some densities at every level, and what it
chooses never falls from a level to the next denser one.
"""

from keras_nest.planner.budgets import plan, uniform_budgets
from keras_nest.planner.candidates import PlannedLayer
from keras_nest.planner.mixed import MixedPlan, plan_mixed
from keras_nest.planner.plan_file import LoadedPlan, load_plan
from keras_nest.planner.result import Plan
from keras_nest.planner.widths import PlannedWidths, plan_widths

__all__ = [
    "LoadedPlan",
    "MixedPlan",
    "Plan",
    "PlannedLayer",
    "PlannedWidths",
    "load_plan",
    "plan",
    "plan_mixed",
    "plan_widths",
    "uniform_budgets",
]
