#!/usr/bin/env python3
"""Records what PyTorch makes of three steps of ADV2 on stAdv against GRAD, and of the first against MASK where the gradient of
its masks is given, on the small networks of graphs/peers, in float64.

usage: $(tools/environment tools/references/requirements.txt)/bin/python tools/references/flow_steps.py
Writes graphs/peers/<network>-flow.npz; graphs/peers/README.md says what the arrays are.
"""
import pathlib

import numpy
import torch
from torch.nn import functional

from gradient_map import SmoothedModule, gradient_map
from onnx_module import OnnxModule

RATE = 0.01
COEFFICIENT = 0.05
SMOOTHNESS = 0.0005
CROSS_ENTROPY_WEIGHT = 2.0
STEPS = 3
directory = pathlib.Path(__file__).resolve().parent.parent.parent / "graphs" / "peers"


def warp(image, flow):
    """Bilinear, positions clipped to the image; flow [B, 2, H, W] down and to the right, in pixels."""
    height, width = image.shape[2:]
    rows = (torch.arange(height, dtype=image.dtype)[:, None] + flow[:, 0]).clamp(0, height - 1)
    columns = (torch.arange(width, dtype=image.dtype)[None, :] + flow[:, 1]).clamp(0, width - 1)
    grid = torch.stack((2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1), 3)
    return functional.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=True)


def flow_loss(flow):
    """Sum over pixels and their four diagonal neighbours of sqrt(|difference|^2 + 1e-8), edges repeated."""
    height, width = flow.shape[2:]
    padded = functional.pad(flow, (1, 1, 1, 1), mode="replicate")
    loss = 0
    for row in (0, 2):
        for column in (0, 2):
            squares = (flow - padded[:, :, row:row + height, column:column + width]) ** 2
            loss = loss + torch.sqrt(squares.sum(1) + 1e-8).sum((1, 2))
    return loss


def optimizer_of(flow):
    return torch.optim.Adam([flow], lr=RATE, betas=(0.9, 0.999), eps=1e-8, amsgrad=True)


def step_against_masks(plain, image, target, start, of_masks):
    """Down max(margin, -5), the inner product of the warped image with the gradient of the masks, and the flow loss."""
    flow = start.clone().requires_grad_(True)
    optimizer = optimizer_of(flow)
    warped = warp(image, flow)
    logits = plain(warped)
    others = logits.scatter(1, target[:, None], -torch.inf).max(1).values
    margin = (others - logits.gather(1, target[:, None])[:, 0]).clamp(min=-5)
    (margin.sum() + (of_masks * warped).sum() + SMOOTHNESS * flow_loss(flow).sum()).backward()
    gradient = flow.grad.clone()
    optimizer.step()
    return {
        "mask.pixels": of_masks, "mask.clampedMargin": margin, "mask.gradient": gradient, "mask.flow1": flow.detach().clone(),
    }


def main():
    torch.set_num_threads(1)
    for name in ("residual", "mobile"):
        path = directory / f"{name}-legacy.onnx"
        recorded = numpy.load(path.with_suffix(".npz"))
        image, target = torch.from_numpy(recorded["x"]), torch.from_numpy(recorded["target"])
        plain, smoothed = OnnxModule(path, torch.float64), SmoothedModule(path, torch.float64)
        start = image.clone().requires_grad_(True)
        aim = gradient_map(plain, start, (plain(start).argmax(1) + 1) % 10).detach()
        torch.manual_seed(7)
        # Exactly representable in float32.
        flow = (torch.rand(2, 2, *image.shape[2:]) * 3 - 1.5).double().requires_grad_(True)
        optimizer = optimizer_of(flow)
        arrays = {"x": image, "target": target, "mapTarget": aim, "flow": flow.detach().clone()}
        for step in range(1, STEPS + 1):
            warped = warp(image, flow)
            entropy = functional.cross_entropy(plain(warped), target, reduction="none")
            distance = ((gradient_map(smoothed, warped, target, create=True) - aim) ** 2).sum((1, 2))
            roughness = flow_loss(flow)
            optimizer.zero_grad()
            (CROSS_ENTROPY_WEIGHT * entropy + COEFFICIENT * distance + SMOOTHNESS * roughness).sum().backward()
            if step == 1:
                arrays |= {
                    "warped": warped, "crossEntropy": entropy, "mapLoss": distance, "flowLoss": roughness,
                    "gradient": flow.grad.clone(),
                }
            optimizer.step()
            arrays[f"flow{step}"] = flow.detach().clone()
        of_masks = (torch.randn(image.shape) / 10).double()
        arrays |= step_against_masks(plain, image, target, arrays["flow"], of_masks)
        if arrays["gradient"].abs().max() < 1e-3:
            raise SystemExit(f"{name}: the gradient vanishes")
        numpy.savez(directory / f"{name}-flow.npz", **{key: value.detach().numpy() for key, value in arrays.items()})
        print(f"{name}: gradient up to {arrays['gradient'].abs().max():.3f}, flow loss {arrays['flowLoss'].tolist()}")


if __name__ == "__main__":
    main()
