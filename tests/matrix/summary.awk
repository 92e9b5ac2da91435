# Reads one cell's output: the binaries' own, between "@begin NAME" and "@end NAME STATUS".
# Prints "passed failed ignored seconds verdict" and writes what failed, and what it said, to the file `details`.
#
# Variables: booted (0 if the boot itself failed), seconds, expected (how many binaries), details.

/^@begin / {
    name = $2
    lines = first_failure = summaries = ended_red = 0
    running = 1
    next
}

/^@end / {
    running = 0
    ended++
    judge($3)
    next
}

running {
    line[++lines] = $0
}

running && /^failures:$/ && !first_failure {
    first_failure = lines
}

# test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; ...
running && /^test result: / {
    summaries++
    ended_red = $6
    passed += $4
    failed += $6
    ignored += $8
}

# A binary is believed only if its status and its one summary agree.
function judge(status) {
    if (status == 0 && summaries == 1 && ended_red == 0)
        return
    print name ": exit status " status > details
    if (summaries != 1 || ended_red == 0) {
        failed++
        print "(no summary that fits this status: counted as one failure)" > details
        first_failure = 0
    }
    tell(first_failure ? first_failure : lines - 60)
}

function tell(from,    i) {
    for (i = from < 1 ? 1 : from; i <= lines; i++)
        print line[i] > details
}

END {
    verdict = "ok"
    if (running) {
        print name ": did not end" > details
        tell(lines - 60)
    }
    if (!booted || ended != expected) {
        failed++
        verdict = "could-not-run"
    } else if (failed)
        verdict = "FAILED"
    print passed + 0, failed + 0, ignored + 0, seconds, verdict
}
