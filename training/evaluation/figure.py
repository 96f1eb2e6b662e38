"""Draws the reliability diagram as an SVG that is legible in light and dark mode."""

from .metrics import Bin

SIZE, MARGIN = 320, 44
COLOURS = ("#2f7ed8", "#d8702f", "#2fa36b", "#8a5cd6")


def reliability_diagram(curves: dict[str, list[Bin]]) -> str:
    """Draws one line per model: accuracy (y) at each confidence (x). The diagonal is perfect calibration."""
    at = lambda x, y: (MARGIN + x * SIZE, MARGIN + (1 - y) * SIZE)
    width, height = SIZE + 2 * MARGIN + 150, SIZE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<path d="M{MARGIN} {MARGIN}V{MARGIN + SIZE}H{MARGIN + SIZE}" fill="none" stroke="#555"/>',
        f'<path d="M{MARGIN} {MARGIN + SIZE}L{MARGIN + SIZE} {MARGIN}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<text x="{MARGIN + SIZE / 2}" y="{height - 8}" text-anchor="middle">confidence</text>',
        f'<text x="14" y="{MARGIN + SIZE / 2}" text-anchor="middle" transform="rotate(-90 14 {MARGIN + SIZE / 2})">accuracy</text>',
    ]
    for tick in (0.2, 0.4, 0.6, 0.8, 1.0):
        (x, _), (_, y) = at(tick, 0), at(0, tick)
        parts.append(f'<text x="{x:.0f}" y="{MARGIN + SIZE + 16}" text-anchor="middle">{tick}</text>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.0f}" text-anchor="end">{tick}</text>')
    for i, ((name, bins), colour) in enumerate(zip(curves.items(), COLOURS)):
        points = [at(bin.confidence, bin.accuracy) for bin in bins]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        y = MARGIN + 14 + i * 20
        parts.append(f'<rect x="{MARGIN + SIZE + 16}" y="{y - 9}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{MARGIN + SIZE + 34}" y="{y + 1}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
