"""Hand responses on to BrainIO and Brain-Score: ``python -m deeplocalizer.brainio activations.nc assembly.nc``.

assembly         responses laid out and named as BrainIO's NeuroidAssembly
stimulus_set     the table of the stimuli, as BrainIO's StimulusSet
write            an assembly on disk, copied slab by slab
ExportError      responses cannot be laid out as an assembly

BrainIO itself is not needed: it cannot be installed beside current NumPy.
"""

from deeplocalizer.brainio.layout import ExportError as ExportError
from deeplocalizer.brainio.layout import assembly as assembly
from deeplocalizer.brainio.layout import stimulus_set as stimulus_set
from deeplocalizer.brainio.writing import write as write
