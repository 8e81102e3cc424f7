"""Split-half reliability: whether other stimuli of the same kinds would have given the same map and the same mask.

measure          correlation of the map, and Dice of the mask, between halves of the localize split, with a null
halvings         the ways to cut folds into two halves

Both nulls exchange the labels of whole folds (see `contrast.shuffling`). What is *shown* beside single halvings are
single halvings of which half of the folds of either half are exchanged, so that a real preference cancels. What p is
*computed* from are all exchanges, for the balanced ones are no group and make p too small (Southworth, Kim & Owen 2009,
J Comput Biol 16:625-638). There every value is the mean over the same halvings as the observed mean, of the same data
under one exchange of all folds, so that like is compared with like; single halvings spread more than means do. Of F
folds there are 2^F exchanges, and to exchange all of them leaves the correlation as it is, so that its p is at least
2 / 2^F: with 8 folds 0.0078, with 4 folds 0.125.
"""

from deeplocalizer.reliability.halves import halvings as halvings
from deeplocalizer.reliability.measuring import measure as measure
