FROM condaforge/miniforge3:latest
LABEL io.github.snakemake.containerized="true"
LABEL io.github.snakemake.conda_env_hash="a030c967cfa52f217f6c63ba8ff65bbb68e64d1f580b5774eec2dabea9d800ad"
# Conda environment:
#   source: envs/images.yaml
#   prefix: /conda-envs/b69f14453e9c457272d4fec841f66acf
#   # Stimuli: drawn from their sources, fetched, matched
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python >=3.11,<3.14
#     - aiohttp >=3.12,<4
#     - datasets >=5,<6
#     - fsspec >=2025.3
#     - h5netcdf >=1.6,<2
#     - h5py >=3.13,<4
#     - httpcore2 >=2.16,<3
#     - huggingface_hub >=2.4,<3
#     - jsonschema >=4.23,<5
#     - msgspec >=0.19,<1
#     - netcdf4 >=1.7.2,<2
#     - numpy >=2.1,<3
#     - pandas >=2.2,<4
#     - pillow >=11,<14
#     - pyarrow >=21,<27
#     - pyyaml >=6,<7
#     - scikit-image >=0.25,<1
#     - scikit-learn >=1.6,<2
#     - scipy >=1.15,<2
#     - urllib3 >=2.3,<3
#     - xarray >=2025.1
RUN mkdir -p /conda-envs/b69f14453e9c457272d4fec841f66acf
COPY envs/images.yaml /conda-envs/b69f14453e9c457272d4fec841f66acf/environment.yaml
# Conda environment:
#   source: envs/plots.yaml
#   prefix: /conda-envs/305a5852fd0f66e7877adcf8f08f71bd
#   # Figures and tables
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python >=3.11,<3.14
#     - h5netcdf >=1.6,<2
#     - h5py >=3.13,<4
#     - matplotlib-base >=3.9,<4
#     - netcdf4 >=1.7.2,<2
#     - numpy >=2.1,<3
#     - pandas >=2.2,<4
#     - pillow >=11,<14
#     - scipy >=1.15,<2
#     - xarray >=2025.1
RUN mkdir -p /conda-envs/305a5852fd0f66e7877adcf8f08f71bd
COPY envs/plots.yaml /conda-envs/305a5852fd0f66e7877adcf8f08f71bd/environment.yaml
# Conda environment:
#   source: envs/report.yaml
#   prefix: /conda-envs/d4ebe777ec73e3879c83212851d072c5
#   # The report
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python >=3.11,<3.14
#     - h5netcdf >=1.6,<2
#     - h5py >=3.13,<4
#     - ipykernel >=6.29,<8
#     - nbclient >=0.10,<1
#     - nbformat >=5.10,<6
#     - netcdf4 >=1.7.2,<2
#     - numpy >=2.1,<3
#     - pandas >=2.2,<4
#     - pandoc >=3.1,<4
#     - pillow >=11,<14
#     - pyyaml >=6,<7
#     - quarto >=1.5,<2
#     - scipy >=1.15,<2
#     - tqdm >=4.67,<5
#     - typst-py >=0.13,<1
#     - xarray >=2025.1
RUN mkdir -p /conda-envs/d4ebe777ec73e3879c83212851d072c5
COPY envs/report.yaml /conda-envs/d4ebe777ec73e3879c83212851d072c5/environment.yaml
# Conda environment:
#   source: envs/statistics.yaml
#   prefix: /conda-envs/4c51af182a666bd1a08a05e84ed1cc74
#   # Contrasts, masks, readouts and effects
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python >=3.11,<3.14
#     - h5netcdf >=1.6,<2
#     - h5py >=3.13,<4
#     - netcdf4 >=1.7.2,<2
#     - numpy >=2.1,<3
#     - pandas >=2.2,<4
#     - scikit-learn >=1.6,<2
#     - scipy >=1.15,<2
#     - threadpoolctl >=3.5,<4
#     - xarray >=2025.1
RUN mkdir -p /conda-envs/4c51af182a666bd1a08a05e84ed1cc74
COPY envs/statistics.yaml /conda-envs/4c51af182a666bd1a08a05e84ed1cc74/environment.yaml
# Conda environment:
#   source: envs/torch.yaml
#   prefix: /conda-envs/97234546778bffb496f603ab3497215e
#   # Whatever runs a model. Where conda sees no accelerator, CONDA_OVERRIDE_CUDA=13 gets the build for one
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python >=3.11,<3.14
#     - datasets >=5,<6
#     - h5netcdf >=1.6,<2
#     - h5py >=3.13,<4
#     - httpcore2 >=2.16,<3
#     - huggingface_hub >=2.4,<3
#     - netcdf4 >=1.7.2,<2
#     - numpy >=2.1,<3
#     - pandas >=2.2,<4
#     - pillow >=11,<14
#     - pyarrow >=21,<27
#     - pytorch >=2.14,<3
#     - safetensors >=0.5,<1
#     - scikit-learn >=1.6,<2
#     - scipy >=1.15,<2
#     - threadpoolctl >=3.5,<4
#     - timm >=1.0.19,<2
#     - torchvision >=0.29,<1
#     - tqdm >=4.67,<5
#     - transformers >=5,<6
#     - urllib3 >=2.3,<3
#     - xarray >=2025.1
RUN mkdir -p /conda-envs/97234546778bffb496f603ab3497215e
COPY envs/torch.yaml /conda-envs/97234546778bffb496f603ab3497215e/environment.yaml

RUN conda env create --prefix /conda-envs/b69f14453e9c457272d4fec841f66acf --file /conda-envs/b69f14453e9c457272d4fec841f66acf/environment.yaml && \
    conda env create --prefix /conda-envs/305a5852fd0f66e7877adcf8f08f71bd --file /conda-envs/305a5852fd0f66e7877adcf8f08f71bd/environment.yaml && \
    conda env create --prefix /conda-envs/d4ebe777ec73e3879c83212851d072c5 --file /conda-envs/d4ebe777ec73e3879c83212851d072c5/environment.yaml && \
    conda env create --prefix /conda-envs/4c51af182a666bd1a08a05e84ed1cc74 --file /conda-envs/4c51af182a666bd1a08a05e84ed1cc74/environment.yaml && \
    conda env create --prefix /conda-envs/97234546778bffb496f603ab3497215e --file /conda-envs/97234546778bffb496f603ab3497215e/environment.yaml && \
    conda clean --all -y
