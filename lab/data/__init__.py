"""Data sets that need no download, and loaders of those that do."""

from lab.data.glyphs import faces_with as faces_with
from lab.data.glyphs import glyphs as glyphs
from lab.data.images import DOWNLOADS as DOWNLOADS
from lab.data.images import DownloadError as DownloadError
from lab.data.images import digits as digits
from lab.data.images import downloaded as downloaded
from lab.data.images import folder_of_images as folder_of_images
from lab.data.images import pictures_in as pictures_in
from lab.data.images import stacked as stacked
from lab.data.mixtures import GaussianMixture as GaussianMixture
from lab.data.mixtures import grid as grid
from lab.data.mixtures import ring as ring
from lab.data.mixtures import spiral as spiral
