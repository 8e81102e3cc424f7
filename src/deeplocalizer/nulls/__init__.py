"""Effect sizes of all units beside those that exchanged labels give.

measure          the distribution of Cohen's d by layer, as it is and under exchanged labels, and what stands out
UNTESTED         why a contrast may have no family-wise threshold
beyond           how many units have a larger effect, and how many would by chance, as `Beyond`
LOPSIDED, SKEWED how unequal the sides of a contrast with a threshold may be
passed           the units that pass the family-wise threshold, as `Passed`

Labels are exchanged by whole folds (see `contrast.shuffling`). Two things are made of it, and they are not alike.

*What is seen where nothing is preferred* comes from balanced exchanges, in which a real preference cancels: the mean
distribution of d, the band that holds the middle 95 % of the distributions, and how many units are expected beyond an
effect size. This is a description; no p is taken from it (Southworth, Kim & Owen 2009, J Comput Biol 16:625-638).

*Which units stand out* comes from all exchanges, the data as they are among them: the largest |d| of the network
under each of them gives a threshold that, if no unit prefers anything, any unit passes with a chance of at most alpha
(Westfall & Young 1993; Winkler et al. 2014, NeuroImage 92:381-397). A unit that prefers strongly still does so when one
fold is exchanged, and would hide all others; so units that pass are set aside and the threshold is taken anew from the
rest, until none is added (the step-down of Romano & Wolf 2005, J Am Stat Assoc 100:94-108).

*Sizes.* If the two sides differ in size, exchanged samples have other sizes than the real ones, and d spreads as the
root of the sum of weight² / count. So each d under an exchange is multiplied by the ratio of these roots: what is shown
is the d that samples of the real sizes would give. Exchanging is exact where both sides have the same size in every
fold, and nearly so otherwise; where they differ by much (`LOPSIDED`), or are small and differ (`SKEWED`), there is no
threshold, for it would be passed by chance too often. Nor is there one for conjunctions: to exchange labels makes *all*
of their comparisons null, while the null hypothesis of a conjunction is that *one* is (Nichols et al. 2005, NeuroImage
25:653-660).
"""

from deeplocalizer.nulls.measuring import measure
from deeplocalizer.nulls.reading import Beyond, Passed, beyond, passed
from deeplocalizer.nulls.thresholds import LOPSIDED, SKEWED, UNTESTED

__all__ = ["LOPSIDED", "SKEWED", "UNTESTED", "Beyond", "Passed", "beyond", "measure", "passed"]
