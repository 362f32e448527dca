"""What a network has learnt: pictures of its units and of what its decisions rest on."""

from lab.visualize.activation_maximization import maximize as maximize
from lab.visualize.backpropagation import rectifies as rectifies
from lab.visualize.backpropagation import saliency as saliency
from lab.visualize.figures import save_fields as save_fields
from lab.visualize.figures import save_filters as save_filters
from lab.visualize.figures import save_gradient_flow as save_gradient_flow
from lab.visualize.figures import save_maps as save_maps
from lab.visualize.figures import save_overlays as save_overlays
from lab.visualize.grad_cam import grad_cam as grad_cam
from lab.visualize.gradient_flow import hidden_gradients as hidden_gradients
from lab.visualize.occlusion import occlusion as occlusion
from lab.visualize.units import last_maps as last_maps
