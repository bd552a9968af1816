# What k8s/smoke claims, one function for each step, in the order in which they run; sourced by it.
# shellcheck shell=bash
readonly FIRST_UPLOAD_S_MAX=90
readonly START_TO_READY_S_MAX=3
readonly TAKES_PART_S_MAX=10
readonly SHARES_S=30          # so long the shares are looked at
readonly SHARE_MIN=15         # each of four: 25 ± 10 %
readonly SHARE_MAX=35
readonly AFTER_KILL_S=30      # LEASE (15 s), after which a lost conversion is given up, and some more
applied_ms=0 first_id=''
load='' # what the last load said

apply() {
    is_made=yes applied_ms=$(now_ms)
    note "        kubectl apply -k k8s/overlays/$overlay: $(kubectl apply --kustomize="$HERE/overlays/$overlay" --output=name | wc -l) objects"
    bring_programs "$NAMESPACE"
    start_job "$NAMESPACE" smoke-first lab first
}

# Looked at until it is there, not counted by the clock of a node.
first_upload() {
    local said took told downloaded
    said=$(result "$NAMESPACE" smoke-first "$START_S")
    took=$(($(now_ms) - applied_ms))
    has_succeeded "$NAMESPACE" smoke-first || give_up "no first upload: $said"
    first_id=$(sed -n 's/.*"conversion":{.*"id":"\([0-9a-f]\{32\}\)".*/\1/p' <<<"$said")
    told=$(sed -n 's/.*"sha256":"\([0-9a-f]\{64\}\)".*/\1/p' <<<"$said")
    downloaded=$(sed -n 's/^downloaded //p' <<<"$said")
    claim "from kubectl apply to the first upload: $(in_seconds "$took") s (at most $FIRST_UPLOAD_S_MAX)" \
        test "$took" -le $((FIRST_UPLOAD_S_MAX * 1000))
    claim "the mp3 has the SHA-256 that the answer told: ${told:0:12}…" test -n "$told" -a "$told" = "$downloaded"
}

rollouts() {
    local name
    for name in mariadb mongodb rabbitmq; do rolled_out "statefulset/$name"; done
    all_rolled_out
    for name in migrate mongodb-initiate; do
        within "$START_S" has_succeeded "$NAMESPACE" "$name" || give_up "the Job $name has not succeeded"
    done
    note "        everything is ready"
    choose_way
}

mail() { claim "a mail names the first upload: ${first_id:0:12}…" within "$MAIL_S" has_mail "$first_id"; }

has_mail() { fetch "$(pods mailpit)" 8025 /api/v1/message/latest 2>/dev/null | grep --quiet --fixed-strings "Its id is $1"; }

# With nothing else to do and all dependencies there. The API tells whole seconds.
starts() {
    local pod started ready took slowest=0
    kube rollout restart deployment >/dev/null
    all_rolled_out
    drained
    while read -r pod started ready; do
        took=$(($(date --date="$ready" +%s) - $(date --date="$started" +%s)))
        ((took <= slowest)) || slowest=$took
        note "        $pod: ready $took s after its container's start"
    done < <(kube get pods --selector="app.kubernetes.io/component=service,$PART=tapedeck" --output=jsonpath='{range .items[*]}{.metadata.name}{" "}{.status.containerStatuses[0].state.running.startedAt}{" "}{.status.conditions[?(@.type=="Ready")].lastTransitionTime}{"\n"}{end}')
    claim "a pod is ready at most $START_TO_READY_S_MAX s after its container's start: $slowest s" test "$slowest" -le "$START_TO_READY_S_MAX"
}

# Starts load, and waits until it is on: `load_on NAME FAST SLOW`.
load_on() {
    start_job "$NAMESPACE" "smoke-$1" lab load "$2" "$3"
    within "$START_S" is_loading "smoke-$1" || give_up "the load smoke-$1 does not start"
    note "        load: $2 callers, and $3 that send slowly"
    sleep 5
}

is_loading() { kube exec "job/$1" -- test -e /tmp/load/token >/dev/null 2>&1; }

# Ends the load and sets $load to its line of JSON.
load_off() {
    kube exec "job/smoke-$1" -- touch /tmp/load/stop || give_up "the load smoke-$1 cannot be told to stop"
    load=$(result "$NAMESPACE" "smoke-$1" "$LOAD_END_S")
    has_succeeded "$NAMESPACE" "smoke-$1" || give_up "the load smoke-$1 failed: $(tail -n 5 <<<"$load")"
    # Answers of the same kind, counted.
    sed -n 's/.*"status":"\([^"]*\)","type":"\([^"]*\)".*/\1 \2/p' <<<"$load" | sort | uniq --count | while read -r line; do
        note "        not 201: $line"
    done
    load=$(tail -n 1 <<<"$load")
    note "        $load"
}

count() { [[ $load =~ \"$1\":([0-9]+) ]] && printf '%s' "${BASH_REMATCH[1]}"; }

nothing_failed() {
    claim "$1: 0 of $(count offered) admitted uploads failed: $(count failed)" \
        test "$(count failed)" -eq 0 -a "$(count created)" -eq "$(count offered)" -a "$(count offered)" -gt 0
    claim "$1: 0 of $(count created) acknowledged mp3s are lost: $(count lost)" test "$(count lost)" -eq 0
}

# Conversions that a converter has done since its start.
conversions() {
    { fetch "$1" 8082 /metrics || true; } |
        sed -n 's/^tapedeck_conversions_total{[^}]*outcome="done"[^}]*} \([0-9]*\).*/\1/p' |
        { local sum=0 value; while read -r value; do sum=$((sum + value)); done; printf '%s' "$sum"; }
}

all_took_part() {
    local pod
    for pod; do [[ $(conversions "$pod") -gt 0 ]] || return 1; done
}

more_converters() {
    local ready_ms took pod converters before=() index made=() sum=0 shares='' even=no
    load_on scaling 3 0
    kube scale deployment/converter --replicas=4 >/dev/null
    rolled_out deployment/converter
    ready_ms=$(now_ms)
    mapfile -t converters < <(pods converter)
    within 60 all_took_part "${converters[@]}" || true
    took=$(($(now_ms) - ready_ms))
    # A cluster DNS that keeps answers for longer (`cache 30` for the names of the cluster) makes this longer by as much.
    claim "scaled 1 → 4 under load, all four converters take part $(in_seconds "$took") s after they are ready (at most $TAKES_PART_S_MAX)" \
        test "${#converters[@]}" -eq 4 -a "$took" -le $((TAKES_PART_S_MAX * 1000))

    for pod in "${converters[@]}"; do before+=("$(conversions "$pod")"); done
    sleep "$SHARES_S"
    for index in "${!converters[@]}"; do
        made[index]=$(($(conversions "${converters[index]}") - before[index]))
        sum=$((sum + made[index]))
    done
    [[ $sum -eq 0 ]] || even=yes
    for index in "${!converters[@]}"; do
        shares+=" ${made[index]}"
        ((made[index] * 100 >= SHARE_MIN * sum && made[index] * 100 <= SHARE_MAX * sum)) || even=no
    done
    claim "of $sum conversions in $SHARES_S s each converter did 25 ± 10 %:$shares" test "$even" = yes
    load_off scaling
    nothing_failed 'scaled 1 → 4'
}

rolling() {
    load_on rolling 2 1
    kube scale deployment/converter --replicas=2 >/dev/null
    rolled_out deployment/converter
    drained
    note '        scaled 4 → 2'
    kube rollout restart deployment >/dev/null
    all_rolled_out
    drained
    note '        every Deployment is rolled out anew'
    sleep 5
    load_off rolling
    nothing_failed 'scaled 4 → 2 and rolled out'
}

# `kubectl delete --force` takes a pod out of the API at once, but says nothing of haste to its node, where the pod would be given its
# whole grace period, and cut nothing off. So the node is first told to end it within a second.
kill_pod() {
    [[ -n $1 ]] || give_up 'there is no pod to kill'
    kube delete pod "$1" --grace-period=1 --wait=false >/dev/null
    sleep 1
    kube delete pod "$1" --grace-period=0 --force --wait=false --ignore-not-found >/dev/null 2>&1
    note "        killed $1"
}

# The converter that holds most uploads.
busiest() {
    local pod held most=-1 found=''
    for pod in $(pods converter); do
        held=$({ fetch "$pod" 8082 /metrics || true; } | sed -n 's/^tapedeck_permits_used\({[^}]*}\)\{0,1\} \([0-9]*\).*/\2/p' | head -n 1)
        ((${held:-0} <= most)) || { most=${held:-0} && found=$pod; }
    done
    printf '%s' "$found"
}

kills() {
    load_on killing 1 2
    kill_pod "$(busiest)"
    sleep "$AFTER_KILL_S"
    rolled_out deployment/converter
    kill_pod "$(pods gateway | sed -n 1p)"
    sleep "$AFTER_KILL_S"
    rolled_out deployment/gateway
    load_off killing
    # Where it is none, the claims after it say nothing.
    claim "killing a converter and a gateway cut uploads off: $(count cut)" test "$(count cut)" -gt 0
    claim "each of them succeeded when it was repeated with its key: $(count recovered)" \
        test "$(count recovered)" -eq "$(count cut)" -a "$(count created)" -eq "$(count offered)"
    claim "0 of $(count created) acknowledged mp3s are lost: $(count lost)" test "$(count lost)" -eq 0
}
