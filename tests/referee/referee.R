# Judges the library of statistics by R: makes samples, asks the program named by the argument about each, and compares
# its answers with R's own functions. The same samples in every run. Exits with 1 if any answer is wrong.
#
# Equal means: within 1e-9, relative; quantiles: the same bits. One thing of R's is only approximate and cannot be asked
# for that: if a test is not exact (50 values or more, ties, zeros), wilcox.test() finds estimate and interval with
# uniroot(tol = 1e-4) on a step function, and any point of a step where that is 0 may come out. There the answers are
# compared with what this search approximates, computed from the definition (every difference, sorted; the rank by
# qnorm()); and R's own value has to lie within its tolerance of the same.

program <- commandArgs(trailingOnly = TRUE)[1]
set.seed(20240229, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
tolerance <- 1e-9
subnormal <- .Machine$double.xmin / tolerance # a p below this has too few digits left to be compared so closely
confidences <- c(0.5, 0.9, 0.95, 0.99)

# --- samples -----------------------------------------------------------------------------------------------------------
kinds <- list(
    normal = function(n, shift) rnorm(n, shift),
    lognormal = function(n, shift) rlnorm(n, shift, 1.5),
    counts = function(n, shift) rpois(n, 5 + shift) + 0, # many ties
    tenths = function(n, shift) round(rnorm(n, shift), 1), # ties that are no whole numbers
    signs = function(n, shift) sample(c(-1, 0, 1), n, replace = TRUE),
    constant = function(n, shift) rep(3 + round(shift), n),
    outliers = function(n, shift) rnorm(n, shift) * ifelse(runif(n) < 0.1, 1e6, 1),
    nanoseconds = function(n, shift) floor(10^runif(n, 9, 12)) + round(shift * 1e8),
    milliseconds = function(n, shift) round(runif(n, 20, 400) + 10 * shift) * 1e6)
sizes <- function() {
    n <- c(1:12, 48:51, 99, 100, 1999, 2000)
    if (runif(1) < 0.3) sample(n, 1) else floor(exp(runif(1, 0, log(1000))))
}
cases <- lapply(1:234, function(i) {
    kind <- names(kinds)[(i - 1) %% length(kinds) + 1]
    shift <- sample(c(0, 0.3, 1, -2), 1)
    before <- kinds[[kind]](sizes(), 0)
    n <- if (runif(1) < 0.5) length(before) else sizes()
    after <- if (i %% 30 == 0) before else kinds[[kind]](n, shift) # sometimes the very same
    list(kind = kind, before = before, after = after)
})

# --- questions and answers ---------------------------------------------------------------------------------------------
questions <- character()
judges <- list() # of each question: what to do with the answer
put <- function(name, values) questions[length(questions) + 1] <<- paste(c(name, sprintf("%a", values)), collapse = " ")
ask <- function(question, judge) {
    questions[length(questions) + 1] <<- question
    judges[[length(judges) + 1]] <<- judge
}

results <- list() # of each comparison: what, ours, the reference, the greatest deviation allowed, a unit
where <- ""
compare <- function(what, ours, reference, allowed = tolerance, unit = 0) {
    ours <- as.numeric(ours)
    reference <- as.numeric(reference)
    if (length(ours) != length(reference))
        stop(sprintf("%s, %s: %d numbers instead of %d", where, what, length(ours), length(reference)))
    results[[length(results) + 1]] <<- list(what = rep(what, length(ours)), where = rep(where, length(ours)), ours = ours,
        reference = reference, allowed = rep(allowed, length(ours)), unit = rep(unit, length(ours)))
}
# The deviation, relative to the reference or to the unit, if that is greater. Nothing deviates as much as NaN.
deviation <- function(ours, reference, unit) {
    same <- (is.nan(ours) & is.nan(reference)) | (!is.nan(ours) & !is.nan(reference) & ours == reference)
    d <- ifelse(same, 0, abs(ours - reference) / pmax(abs(reference), unit))
    ifelse(is.nan(d), Inf, d)
}

# --- what R says -------------------------------------------------------------------------------------------------------
tie_sum <- function(...) sum(sapply(list(...), function(v) { t <- as.numeric(table(match(v, v))); sum(t^3 - t) }))
quietly <- function(expression) suppressWarnings(expression)

# R's interval of an approximate test; NULL: it has none at this level, and says so by a warning or an error.
own_interval <- function(...) {
    w <- tryCatch(wilcox.test(..., conf.int = TRUE), error = function(e) NULL, warning = function(w) {
        if (grepl("exact", conditionMessage(w))) quietly(wilcox.test(..., conf.int = TRUE)) else NULL
    })
    if (is.null(w) || attr(w$conf.int, "conf.level") != 0.95 || any(!is.finite(w$conf.int))) NULL else w
}

# `sums`: all differences or Walsh averages; `k`: the rank of the lower end. `own`: R's result of the search.
judge_approximate <- function(what, answer, sums, k, confidence, own) {
    count <- length(sums)
    sums <- sort(sums)
    interval <- if (k >= 1) sums[c(k, count + 1 - k)] else c(NaN, NaN)
    compare(paste(what, "estimate, approximate test"), answer[1], median(sums))
    compare(paste(what, "interval, approximate test"), answer[2:3], interval)
    compare(paste(what, "level, approximate test"), answer[4], if (k >= 1) confidence else NaN)
    if (is.null(own) || k < 1)
        return()
    middle <- sums[c(floor((count + 1) / 2), ceiling((count + 1) / 2))]
    estimate <- as.numeric(own$estimate)
    near <- min(max(estimate, middle[1]), middle[2]) # the nearest point where the search may end
    within <- 1.01e-4 + 1e-14 * max(abs(sums)) # uniroot's tolerance, whose second part is relative
    compare(paste(what, "estimate, R's search"), near - estimate, 0, within, 1)
    compare(paste(what, "interval, R's search"), answer[2:3] - own$conf.int, c(0, 0), within, 1)
}

judge_sum <- function(x, y) {
    w <- quietly(wilcox.test(x, y))
    ask("sum", function(a) {
        compare("rank sum statistic", a[1], w$statistic)
        compare("rank sum p", a[2], w$p.value, tolerance, subnormal)
        compare("rank sum exact", a[3], grepl("exact", w$method))
    })
    pairs <- length(x) * length(y)
    ask("delta", function(a) compare("Cliff's delta", -a, (2 * w$statistic - pairs) / pairs))
}

judge_signed <- function(d) {
    w <- quietly(wilcox.test(d))
    ask("signed", function(a) {
        if (any(d != 0)) compare("signed rank statistic", a[1], w$statistic)
        compare("signed rank p", a[2], w$p.value, tolerance, subnormal)
        compare("signed rank exact", a[3], grepl("exact", w$method))
    })
}

# The exact interval is R's own; where R has to take the extremes because the sample is too small, there is none.
judge_exact <- function(what, answer, w, k, level) {
    none <- k == 0
    compare(paste(what, "estimate, exact test"), answer[1], w$estimate)
    compare(paste(what, "interval, exact test"), answer[2:3], if (none) c(NaN, NaN) else w$conf.int)
    compare(paste(what, "level, exact test"), answer[4], if (none) NaN else level)
}

judge_shift <- function(before, after, confidence) {
    m <- length(before)
    n <- length(after)
    tail <- (1 - confidence) / 2
    ask(sprintf("shift %a", confidence), function(a) {
        if (m < 50 && n < 50 && !anyDuplicated(c(before, after))) {
            k <- qwilcox(tail, m, n)
            w <- quietly(wilcox.test(after, before, conf.int = TRUE, conf.level = confidence))
            judge_exact("shift", a, w, k, 1 - 2 * pwilcox(k - 1, m, n))
        } else {
            # Ties between the samples vanish with any shift, those within a sample stay.
            deviation <- sqrt(m * n / 12 * (m + n + 1 - tie_sum(before, after) / ((m + n) * (m + n - 1))))
            k <- min(ceiling(m * n / 2 - 0.5 - qnorm(tail, lower.tail = FALSE) * deviation), ceiling(m * n / 2))
            own <- if (confidence == 0.95) own_interval(after, before)
            judge_approximate("shift", a, outer(after, before, "-"), k, confidence, own)
        }
    })
}

judge_paired <- function(d, confidence) {
    n <- length(d)
    tail <- (1 - confidence) / 2
    ask(sprintf("paired %a", confidence), function(a) {
        if (n < 50 && all(d != 0) && !anyDuplicated(abs(d))) {
            k <- qsignrank(tail, n)
            w <- quietly(wilcox.test(d, conf.int = TRUE, conf.level = confidence))
            judge_exact("paired shift", a, w, k, 1 - 2 * psignrank(k - 1, n))
        } else {
            deviation <- sqrt(n * (n + 1) * (2 * n + 1) / 24 - tie_sum(d) / 48)
            count <- n * (n + 1) / 2
            k <- min(ceiling(count / 2 - 0.5 - qnorm(tail, lower.tail = FALSE) * deviation), ceiling(count / 2))
            walsh <- outer(d, d, "+") / 2
            # R drops what equals mu before it estimates; a mu that nothing equals keeps the zeros.
            own <- if (confidence == 0.95) own_interval(d, mu = min(d) - max(1, abs(d)), exact = FALSE)
            judge_approximate("paired shift", a, walsh[!lower.tri(walsh)], k, confidence, own)
        }
    })
}

judge_quantiles <- function(x) {
    probs <- c(0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 1 / 3, 0.5, 2 / 3, 0.75, 0.9, 0.95, 0.99, 0.999, 1, runif(6),
        sample(length(x), 3, replace = TRUE) / length(x))
    reference <- unlist(lapply(1:9, function(type) quantile(x, probs, type = type, names = FALSE)))
    put("p", probs)
    ask("quantiles", function(a) compare("quantiles, types 1 to 9", a, reference, 0))
}

judge_ecdf <- function(x) {
    reference <- ecdf(x)
    ask(sprintf("ecdf %a", 0.95), function(a) {
        a <- matrix(a, nrow = 4)
        y <- reference(knots(reference))
        half <- sqrt(log(2 / 0.05) / (2 * length(x)))
        compare("ECDF x", a[1, ], knots(reference))
        compare("ECDF y", a[2, ], y)
        compare("ECDF band", a[3:4, ], rbind(pmax(0, y - half), pmin(1, y + half)), tolerance, 1)
    })
}

judge_median <- function(x, confidence) {
    n <- length(x)
    k <- qbinom((1 - confidence) / 2, n, 0.5)
    ends <- c(k, n + 1 - k)
    if (2 * pbinom(k, n, 0.5) <= (1 - confidence) * (1 + 1e-12)) # met exactly: one further in
        ends <- c(k + 1, n - k)
    reached <- 1 - 2 * pbinom(ends[1] - 1, n, 0.5)
    ask(sprintf("median %a", confidence), function(a)
        compare("median interval", a, if (ends[1] == 0) rep(NaN, 3) else c(sort(x)[ends], reached)))
}

judge_holm <- function() {
    p <- sample(c(runif(sample(0:30, 1))^sample(1:4, 1), 0, 1, NaN, 0.01, 0.01))
    put("p", p)
    ask("holm", function(a) {
        reference <- p.adjust(p, "holm")
        compare("Holm", a, ifelse(is.na(reference), NaN, reference))
    })
}

labels <- character()
for (i in seq_along(cases)) {
    case <- cases[[i]]
    m <- min(length(case$before), length(case$after))
    before_all <- length(judges)
    put("x", case$before)
    put("y", case$after)
    confidence <- if (i %% 3) 0.95 else sample(confidences, 1)
    judge_quantiles(case$before)
    judge_ecdf(case$before)
    judge_median(case$before, confidence)
    local({ x <- case$before; ask("mean", function(a) compare("mean", a, mean(x), tolerance, mean(abs(x)))) })
    judge_sum(case$before, case$after)
    judge_shift(case$before, case$after, confidence)
    judge_holm()
    differences <- case$after[1:m] - case$before[1:m]
    put("x", differences)
    judge_signed(differences)
    judge_paired(differences, confidence)
    labels <- c(labels, rep(sprintf("sample %d (%s, %d and %d values)", i, case$kind, length(case$before),
        length(case$after)), length(judges) - before_all))
}

# --- the verdict -------------------------------------------------------------------------------------------------------
folder <- tempfile("referee")
dir.create(folder)
asked <- file.path(folder, "questions")
answered <- file.path(folder, "answers")
writeLines(questions, asked)
code <- system2(program, stdin = asked, stdout = answered)
if (code != 0)
    stop(sprintf("%s ended with %d", program, code))
answers <- readLines(answered)
if (length(answers) != length(judges))
    stop(sprintf("%d answers to %d questions", length(answers), length(judges)))
for (i in seq_along(judges)) {
    where <- labels[i]
    judges[[i]](as.numeric(strsplit(trimws(answers[i]), " ")[[1]]))
}
unlink(folder, recursive = TRUE)
column <- function(name) unlist(lapply(results, `[[`, name))
results <- data.frame(what = column("what"), where = column("where"), ours = column("ours"),
    reference = column("reference"), allowed = column("allowed"), unit = column("unit"))
results$deviation <- deviation(results$ours, results$reference, results$unit)
wrong <- results[results$deviation > results$allowed, ]

# Could anything have been found wrong? Of each kind one value is falsified by a little more than allowed.
for (what in unique(results$what)) {
    one <- results[results$what == what & is.finite(results$ours), ][1, ]
    step <- max(abs(one$reference), one$unit, 1e-300) * max(2 * one$allowed, 2 * .Machine$double.eps)
    if (is.na(one$ours) || deviation(one$reference + step, one$reference, one$unit) <= one$allowed)
        stop(sprintf("%s: a wrong value would not be noticed", what))
}

summary <- do.call(rbind, lapply(split(results, results$what), function(r)
    data.frame(comparisons = nrow(r), missing = sum(is.nan(r$reference)), largest = max(r$deviation), allowed = max(r$allowed))))
print(summary, digits = 3)
cat(sprintf("%d comparisons on %d pairs of samples; largest deviation %.3g (of what R computes exactly); a falsified value of each of %d kinds was noticed\n",
    nrow(results), length(cases), max(results$deviation[!grepl("R's search", results$what)]), nrow(summary)))
if (nrow(wrong) > 0) {
    cat(sprintf("WRONG: %d\n", nrow(wrong)))
    print(head(wrong[, c("what", "where", "ours", "reference", "deviation")], 40), digits = 17)
    quit(status = 1)
}
