"""Writes what `peers.py` measured: docs/benchmarks.md and its two pictures."""

import math
import platform
import time
from html import escape
from pathlib import Path

OURS = "#0b62c4"
# The forward convolution, beside a gradient.
FORWARD = "convcheck, forward"
COLOURS = {
    "convcheck fft": "#7fb2ea", "convcheck winograd": "#7fb2ea",
    "IPP": "#e07b00", "OpenCV": "#9a6b00", "torch": "#c23b3b", "ONNX Runtime": "#7a3fb0", "OpenVINO": "#c2479b",
    "SciPy": "#2e8b57", "NumPy": "#2e8b57",
}
FONT = "font-family='Helvetica, Arial, sans-serif'"


def duration(seconds):
    """Seconds in a unit that leaves one to three digits before the point."""
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 999.5:
            return f"{short(seconds * factor)} {unit}"
    return f"{short(seconds)} s"


def short(value):
    """Three significant digits, or all before the point."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def percent(share):
    """A share; below a tenth with a decimal."""
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"


def both(times):
    """Minimum, and median in parentheses."""
    return f"{duration(times[0])} ({duration(times[1])})"


def colour(name):
    return next((value for start, value in COLOURS.items() if name.startswith(start)), OURS)


def line(title, cell):
    """One cell in a line, to watch a run by."""
    ours = cell.ours[0].name
    times = ", ".join(f"{name} {duration(taken[0])}" for name, taken in cell.times.items())
    best = cell.best_rival()
    ratio = f"; {best[1]} takes {best[0] / cell.times[ours][0]:.2f} times ours" if best else ""
    return f"{title}, {cell.name}: {times}{ratio}; {percent(cell.limits[ours][0] / cell.times[ours][0])} of the limit"


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


def section(title, main_form, words, cells):
    """A table: a row a cell, a column for each who computed it."""
    names = list(dict.fromkeys(name for cell in cells for name in cell.times))
    ours = [name for name in names if name.startswith("convcheck")]
    rivals = [name for name in names if name not in ours]
    several = [name for name in ours if name != FORWARD][1:]
    head = ["", *ours, "limit", "share", *rivals, "best rival / ours"]
    head += ["best rival / our best"] * bool(several) + ["ours / forward"] * (FORWARD in ours)
    rows, ratios, bests = [], [], []
    for cell in cells:
        main = cell.ours[0].name
        least = cell.times[main][0]
        limit, what = cell.limits[main]
        best = cell.best_rival()
        ratios.append(best[0] / least)
        row = [cell.name]
        row += [both(cell.times[name]) if name in cell.times else "–" for name in ours]
        row += [f"{duration(limit)}, {what}", percent(limit / least)]
        for name in rivals:
            text = both(cell.times[name]) if name in cell.times else "–"
            row.append(f"**{text}**" if name == best[1] else text)
        row.append(f"**{short(best[0] / least)}**")
        if several:
            bests.append(best[0] / min(cell.times[name][0] for name in ours if name in cell.times))
            row.append(f"**{short(bests[-1])}**")
        if FORWARD in ours:
            row.append(short(least / cell.times[FORWARD][0]))
        rows.append(row)
    lines = [f"## {title}", "", words, ""]
    lines += ["| " + " | ".join(row) + " |" for row in (head, ["---"] + ["---:"] * (len(head) - 1), *rows)]
    lines.append("")
    deviation = max(value for cell in cells for name, value in cell.deviation.items())
    if len(ratios) > 1:
        lines.append(
            f"Best rival over `{main_form}`, geometric mean: **{short(geometric_mean(ratios))}**; least: {short(min(ratios))}."
        )
        if several:
            lines.append(f"Over our best: **{short(geometric_mean(bests))}**; least: {short(min(bests))}.")
    lines.append(f"All results lie within {deviation:.1e} of our direct one.")
    refused = sorted({f"{name} ({why})" for cell in cells for name, why in cell.refusals.items()})
    if refused:
        lines.append("Could not be measured: " + "; ".join(refused) + ".")
    return "\n".join(lines) + "\n"


def machine():
    """The processor, its caches and the system, as Linux tells them."""
    info = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    fields = {key.strip(): value.strip() for key, _, value in (row.partition(":") for row in info.splitlines())}
    caches = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            caches.append(f"L{(index / 'level').read_text().strip()} {(index / 'size').read_text().strip()}")
    virtual = ", virtual" if "hypervisor" in fields.get("flags", "") else ""
    name = fields.get("model name", platform.machine())
    model = f" (family {fields['cpu family']}, model {fields['model']})" if "cpu family" in fields else ""
    return f"{name}{model}{virtual}, {', '.join(caches)}; Linux {platform.release()}"


def limits_table(limits):
    levels = limits["levels"]
    rows = [f"| {limits['kernels']} | read | copied | copied past the caches |", "| --- | ---: | ---: | ---: |"]
    for level in levels:
        rates = (level[f"{kind}_gigabytes_per_second"] for kind in ("read", "copy", "stream"))
        rows.append(f"| {level['name']} | " + " | ".join(f"{short(rate)} GB/s" for rate in rates) + " |")
    return "\n".join(rows)


def threads_section(rows):
    """How much faster two threads are than one."""
    lines = ["## Two threads", "", "A large convolution shared by two threads on two cores; the results are the same, bit by bit.", ""]
    lines += ["| | one thread | two threads | ratio |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {duration(one)} | {duration(two)} | **{short(one / two)}** |" for name, one, two in rows]
    return "\n".join(lines) + "\n"


def write(folder, done, shared, limits, options, versions):
    """The page and the pictures."""
    by_title = {title: cells for title, _, _, cells in done}
    (folder / "benchmarks-single.svg").write_text(single_picture(by_title["Single channel"], limits))
    (folder / "benchmarks-channels.svg").write_text(channels_picture(by_title["Channels"], limits))
    text = f"""# Benchmarks

convcheck beside other libraries, on one core with one thread, {time.strftime("%Y-%m-%d")}. `make peers` measures all of it again and
writes this page ([Benchmarks/peers.py](../Benchmarks/peers.py), {options.rounds} rounds, turns of {options.seconds * 1e3:.0f} ms).

- Machine: {machine()}.
- Kernels: {limits["kernels"]}.
- Against: {", ".join(f"{name} {version}" for name, version in versions.items())}.

The contenders of a row take turns on the same core, so that whatever else the machine does hits all of them. Times are the minimum and,
in parentheses, the median of all turns; ratios and shares are of minima. An application from {options.patience:g} s on has one turn. All compute
from the same numbers, and their results are compared. IPP and convcheck are timed from within, the others from Python, where a call
costs them one to a few microseconds. Where a library can prepare something once (weights, plans, the memory of the result), it does.

The limit of a row is the larger of two times, by what this core did at most in the same run:
multiply-adds at **{short(limits["float32_gigaflops"])} GFLOP/s** in float32 and {short(limits["float64_gigaflops"])} in float64, those on padding not counted; and bytes, image
and result copied and stored matrices read, at the rate of the smallest cache in three quarters of which they fit:

{limits_table(limits)}

![Single channel](benchmarks-single.svg)

![Channels](benchmarks-channels.svg)

"""
    text += "\n".join(section(*part) for part in done)
    if shared:
        text += "\n" + threads_section(shared)
    (folder / "benchmarks.md").write_text(text)


def svg(width, height, parts):
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}'>\n"
        f"<rect width='{width}' height='{height}' fill='white'/>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def label(x, y, words, size=12, anchor="start", fill="#333", weight="normal"):
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' text-anchor='{anchor}' fill='{fill}' "
        f"font-weight='{weight}'>{escape(words)}</text>"
    )


def legend(entries, x, y, step):
    parts = []
    for index, (name, fill) in enumerate(entries):
        parts.append(f"<rect x='{x + index * step}' y='{y - 9}' width='10' height='10' fill='{fill}'/>")
        parts.append(label(x + index * step + 15, y, name))
    return parts


# The contenders in the first picture, and which of a cell's each is.
LINES = [
    ("convcheck direct", ["convcheck direct"]), ("convcheck fft", ["convcheck fft"]), ("IPP", ["IPP filter", "IPP convolution"]), ("OpenCV", ["OpenCV"]),
    ("torch", ["torch", "torch, prepacked"]), ("SciPy FFT", ["SciPy FFT", "SciPy overlap-add"]),
]


def single_picture(cells, limits):
    """A panel a filter: useful operations a second over the image's size, on logarithmic axes."""
    panels = {}
    for cell in cells:
        size, taps = cell.name.split(", ")
        panels.setdefault(taps, []).append((int(size.rstrip("²")), cell))
    wide, high, left, top = 190, 250, 62, 70
    width, height = left + len(panels) * (wide + 14) + 10, top + high + 60
    low, tall = 0.1, 10 ** math.ceil(math.log10(limits["float32_gigaflops"] * 2))

    def across(size):
        return (math.log2(size) - 5.5) / 6 * wide

    def up(rate):
        return top + high * (1 - math.log(max(rate, low) / low) / math.log(tall / low))

    parts = [label(left, 22, "Single channel, float32: useful GFLOP/s by image size (both axes logarithmic)", 15, weight="bold")]
    parts += legend([(name, colour(name)) for name, _ in LINES], left, 46, 140)
    for number, (taps, points) in enumerate(panels.items()):
        x = left + number * (wide + 14)
        parts.append(f"<rect x='{x}' y='{top}' width='{wide}' height='{high}' fill='#f6f6f6'/>")
        rate = low
        while rate <= tall:
            parts.append(f"<path d='M{x} {up(rate):.1f}h{wide}' stroke='#ddd'/>")
            if number == 0:
                parts.append(label(x - 6, up(rate) + 4, f"{rate:g}", 11, "end"))
            rate *= 10
        peak = up(limits["float32_gigaflops"])
        parts.append(f"<path d='M{x} {peak:.1f}h{wide}' stroke='#555' stroke-dasharray='4 3'/>")
        if number == 0:
            parts.append(label(x + 4, peak - 5, "peak", 11))
        for name, among in LINES:
            places = []
            for size, cell in points:
                taken = [cell.times[one][0] for one in among if one in cell.times]
                if taken:
                    operations = 2 * cell.problem.products * cell.problem.result.size
                    places.append((x + across(size), up(operations / min(taken) / 1e9)))
            path = "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
            if not places:
                continue
            stroke = 2.5 if name.startswith("convcheck") else 1.5
            parts.append(f"<path d='M{path}' fill='none' stroke='{colour(name)}' stroke-width='{stroke}'/>")
            parts += [f"<circle cx='{a:.1f}' cy='{b:.1f}' r='{stroke + 0.5}' fill='{colour(name)}'/>" for a, b in places]
        parts.append(label(x + wide / 2, top + high + 38, f"filter {taps}", 13, "middle", weight="bold"))
        parts += [label(x + across(size), top + high + 17, str(size), 11, "middle") for size, _ in points]
    return svg(width, height, parts)


def channels_picture(cells, limits):
    """A group a shape: useful operations a second of the best of each library, and the limit."""
    groups = [
        ("convcheck direct", ["convcheck direct"]), ("convcheck winograd", ["convcheck winograd"]),
        ("torch", ["torch", "torch, channels last", "torch, prepacked", "torch, oneDNN layout"]),
        ("ONNX Runtime", ["ONNX Runtime"]), ("OpenVINO", ["OpenVINO"]),
    ]
    fills = {name: colour(name) for name, _ in groups}
    rates = {}
    for cell in cells:
        # What the limit counts: products that are not on padding.
        operations = 2 * cell.ours[0].answer["multiply_adds"]
        rates[cell.name] = {
            name: operations / min(cell.times[one][0] for one in among if one in cell.times) / 1e9
            for name, among in groups
            if any(one in cell.times for one in among)
        }
        rates[cell.name]["limit"] = operations / cell.limits[cell.ours[0].name][0] / 1e9
    most = max(max(values.values()) for values in rates.values()) * 1.08
    left, top, wide, bar = 190, 70, 600, 13
    high = bar * len(groups) + 14
    parts = [label(20, 22, "Channels, float32: useful GFLOP/s, the best of each library", 15, weight="bold")]
    parts += legend(fills.items(), 20, 46, 150)
    for number, (name, values) in enumerate(rates.items()):
        y = top + number * high
        parts.append(label(left - 10, y + high / 2, name, 12, "end"))
        for row, (contender, _) in enumerate(groups):
            if contender in values:
                length = values[contender] / most * wide
                parts.append(f"<rect x='{left}' y='{y + row * bar}' width='{length:.1f}' height='{bar - 2}' fill='{fills[contender]}'/>")
                parts.append(label(left + length + 4, y + row * bar + 10, short(values[contender]), 10))
        limit = left + values["limit"] / most * wide
        parts.append(f"<path d='M{limit:.1f} {y - 3}v{bar * len(groups) + 4}' stroke='#222' stroke-dasharray='4 2'/>")
    parts.append(label(left, top + len(rates) * high + 12, "dashed: the limit of the direct formulation", 11))
    return svg(left + wide + 60, top + len(rates) * high + 26, parts)
