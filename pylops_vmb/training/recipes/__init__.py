"""Recipes: from models to weights with a card, in stages that resume; each one command."""

from pylops_vmb.training.recipes.machine import Machine
from pylops_vmb.training.recipes.recipe import Recipe
from pylops_vmb.training.recipes.registry import available, recipe
from pylops_vmb.training.recipes.sources import OpenFWIFolder, Simulated, Source
from pylops_vmb.training.recipes.stage import Stage

__all__ = [
    "Machine",
    "OpenFWIFolder",
    "Recipe",
    "Simulated",
    "Source",
    "Stage",
    "available",
    "recipe",
]
