"""Comparisons by others than ourselves: values read from sessions without mitm-analyze, tests and estimates by R."""
import json
import shutil
import statistics
import subprocess

import session

# Reads lines "row,side,value"; writes, for each row, what wilcox.test() and elementary definitions give.
SCRIPT = r"""
values <- read.csv(file("stdin"), header = FALSE, col.names = c("row", "side", "value"), colClasses = c("character", "character", "numeric"))
number <- function(x) if (is.null(x) || is.na(x)) "null" else sprintf("%.17g", x)
rows <- unique(values$row)
tests <- lapply(rows, function(row) {
  x <- values$value[values$row == row & values$side == "before"]
  y <- values$value[values$row == row & values$side == "after"]
  exact <- length(x) < 50 && length(y) < 50 && !any(duplicated(c(x, y)))
  p <- suppressWarnings(wilcox.test(y, x, exact = exact)$p.value)
  differences <- outer(y, x, "-")
  list(row = row, n_before = length(x), n_after = length(y), before = median(x), after = median(y), p = p,
       shift = median(differences), delta = mean(sign(differences)),
       interval = if (exact) wilcox.test(y, x, exact = TRUE, conf.int = TRUE)$conf.int else c(NA, NA))
})
holm <- p.adjust(sapply(tests, function(t) t$p), "holm")
for (i in seq_along(tests)) {
  t <- tests[[i]]
  cat(sprintf('{"row": "%s", "n_before": %d, "n_after": %d, "before": %s, "after": %s, "p": %s, "holm": %s, "shift": %s, "low": %s, "high": %s, "delta": %s}\n',
              t$row, t$n_before, t$n_after, number(t$before), number(t$after), number(t$p), number(holm[i]), number(t$shift),
              number(t$interval[1]), number(t$interval[2]), number(t$delta)))
}
"""


def first(records, name):
    return min((entry["t_ns"] for entry in session.of(records, name)), default=None)


def measures(path):
    """The values of a session file that holds one page load over whole connections: {measure: [ns, …]}."""
    records = session.read(path, verify=False)
    connections = session.connections(records)
    exchanges = session.exchanges(records)
    begin = first(records, "ConnectionStart")
    result = {"load-time": [max(x["response_end"]["t_ns"] for x in exchanges) - begin],
              "page-ttfb": [min(x["response_start"]["t_ns"] for x in exchanges) - begin],
              "socks": [], "connection-ttfb": [], "waiting": [], "transfer": []}
    for entries in connections.values():
        result["socks"].append(first(entries, "SocksResponseEnd") - first(entries, "SocksRequestStart"))
        result["connection-ttfb"].append(first(entries, "HttpResponseStart") - first(entries, "ConnectionStart"))
    for exchange in exchanges:
        result["waiting"].append(exchange["response_start"]["t_ns"] - exchange["request_end"]["t_ns"])
        result["transfer"].append(exchange["response_end"]["t_ns"] - exchange["response_start"]["t_ns"])
    return result


def medians(loads, name):
    """One value of each page load: the median of its values."""
    return [statistics.median(load[name]) for load in loads if load[name]]


def compare(samples):
    """R's opinion of `samples`, {row: (before, after)}: {row: dictionary as SCRIPT writes it}."""
    lines = [f"{row},{side},{value!r}" for row, sides in samples.items()
             for side, values in zip(("before", "after"), sides, strict=True) for value in values]
    result = subprocess.run([shutil.which("Rscript"), "--vanilla", "-e", SCRIPT], input="\n".join(lines) + "\n", encoding="utf-8",
                            capture_output=True, timeout=60, check=False)
    if result.returncode:
        raise AssertionError(f"Rscript: {result.stderr}")
    return {entry["row"]: entry for entry in map(json.loads, result.stdout.splitlines())}
