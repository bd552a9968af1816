# Every pair of pods: whoever edges.yaml lets talk can, and nobody else; sourced by k8s/smoke.
# shellcheck shell=bash
readonly CONNECT_S=120 # all programs at once, of which each takes about 12 s
readonly STRANGER=stranger # a pod in another namespace, on which no policy lies

# Sets $edges: a key `FROM/TO:PORT` for each edge of this overlay.
read_edges() {
    local parts line pattern='part: ([a-z-]+), from: ([a-z-]+), to: ([a-z-]+), port: ([0-9]+)'
    parts=$(sed -n "s/^  $overlay: \[\(.*\)\].*/, \1,/p" "$HERE/edges.yaml")
    [[ -n $parts ]] || give_up "edges.yaml does not name the overlay $overlay"
    while IFS= read -r line; do
        [[ $line =~ $pattern && $parts == *", ${BASH_REMATCH[1]},"* ]] || continue
        edges["${BASH_REMATCH[2]}/${BASH_REMATCH[3]}:${BASH_REMATCH[4]}"]=yes
    done <"$HERE/edges.yaml"
}

# Prints `NAME ADDRESS PORT` of each port of the running pods, one pod of each kind.
listening() {
    kube get pods --selector="$PART=tapedeck" --field-selector=status.phase=Running --output=go-template --template='
        {{- range .items}}{{if not .metadata.deletionTimestamp}}{{$pod := .}}{{range .spec.containers}}{{range .ports}}
        {{- index $pod.metadata.labels "app.kubernetes.io/name"}} {{$pod.status.podIP}} {{.containerPort}}{{"\n"}}
        {{- end}}{{end}}{{end}}{{end}}' | sort --unique --key=1,1 --key=3,3
    # The cluster's DNS, where it is a pod with the usual label.
    kubectl --namespace=kube-system get pods --selector=k8s-app=kube-dns --field-selector=status.phase=Running --output=go-template \
        --template='{{range .items}}dns {{.status.podIP}} 53{{"\n"}}{{end}}' | sed -n 1p
}

# Sets $sources: all that have a label of their own, and the stranger.
name_sources() {
    local edge name
    for edge in "${!edges[@]}"; do sources["${edge%%/*}"]=yes; done
    while read -r name _; do sources["$name"]=yes; done <<<"$1"
    unset 'sources[anywhere]' 'sources[dns]'
    sources[$STRANGER]=yes
}

where() { [[ $1 == "$STRANGER" ]] && printf '%s' "$OUTSIDE" || printf '%s' "$NAMESPACE"; }

connections() {
    local -A edges=() sources=()
    local targets source name address port arguments=()
    kubectl create namespace "$OUTSIDE" >/dev/null
    bring_programs "$OUTSIDE"
    read_edges
    targets=$(listening)
    name_sources "$targets"
    grep --quiet '^dns ' <<<"$targets" || note '        no pod k8s-app=kube-dns: connections to the DNS are not tried'
    while read -r name address port; do arguments+=("$name:$port=$address:$port"); done <<<"$targets"
    for source in "${!sources[@]}"; do start_job "$(where "$source")" "smoke-from-$source" "$source" connect "${arguments[@]}"; done
    compare
}

# What was found against what was to be found.
compare() {
    local source said verdict target allowed=0 denied=0 wrong_closed=() wrong_open=() from
    for source in "${!sources[@]}"; do
        from=$source
        [[ $source != "$STRANGER" ]] || from=anywhere
        said=$(result "$(where "$source")" "smoke-from-$source" "$CONNECT_S")
        [[ $(wc -l <<<"$said") -eq ${#arguments[@]} ]] || give_up "smoke-from-$source did not try every connection: $said"
        while read -r verdict target; do
            # A stranger's way to the DNS is none of this.
            [[ $source:$target != "$STRANGER":dns:* ]] || continue
            if [[ -n ${edges["$from/$target"]:-} ]]; then
                allowed=$((allowed + 1))
                [[ $verdict == open ]] || wrong_closed+=("$source→$target")
            else
                denied=$((denied + 1))
                [[ $verdict == closed ]] || wrong_open+=("$source→$target")
            fi
        done <<<"$said"
    done
    claim "each of $allowed connections that edges.yaml names can be opened${wrong_closed[*]:+; not: ${wrong_closed[*]}}" \
        test "$allowed" -gt 0 -a "${#wrong_closed[@]}" -eq 0
    # Where all are open, the network plug-in does not enforce policies.
    claim "none of $denied others can be${wrong_open[*]:+; open: ${wrong_open[*]}}" test "$denied" -gt 0 -a "${#wrong_open[@]}" -eq 0
}
