"""Recommending: interactions become weights between items, in the one-row form of every fitted model.

A customer's score of an item is the sum, over the items that the customer likes, of preference times similarity, plus
the item's popularity. Every implementation is a choice of these two: similarities, which a version holds, and a trend, by which
what is popular now is counted each day.
"""

from scorehouse.recommending.ease import Ease
from scorehouse.recommending.evaluation import Evaluation
from scorehouse.recommending.item_item import ItemItem
from scorehouse.recommending.popular import Popular

__all__ = ["Ease", "Evaluation", "ItemItem", "Popular"]
