# What k8s/smoke does with a cluster, whatever it claims; sourced by it.
# shellcheck shell=bash
readonly NAMESPACE=tapedeck
readonly OUTSIDE=tapedeck-smoke     # holds the pod that is a stranger to the others
readonly PART=app.kubernetes.io/part-of
readonly NAME=app.kubernetes.io/name
readonly DEPLOYMENTS=(auth converter gateway notifier mailpit)
# Longest waits, in seconds. Where the images are loaded all ends much earlier.
readonly START_S=300    # the first start: databases make their files
readonly ROLLOUT_S=300
readonly DRAIN_S=120    # the load's longest upload takes 20 s
readonly LOAD_END_S=420 # its last uploads, and a download for each
readonly MAIL_S=60
readonly REMOVE_S=300
STARTED_S=$SECONDS
failures=0 claims=0
is_made=no # whether there is anything to remove
way=       # how this script asks pods; see choose_way

kube() { kubectl --namespace="$NAMESPACE" "$@"; }

now_ms() { printf '%s' $((${EPOCHREALTIME/[.,]/} / 1000)); }

in_seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

note() { printf '%4d s  %s\n' $((SECONDS - STARTED_S)) "$*"; }

# The condition, a command, decides whether the claim holds.
claim() {
    local text=$1 verdict=ok
    shift
    claims=$((claims + 1))
    "$@" || { verdict=FAILED && failures=$((failures + 1)); }
    note "$(printf '%-6s  %s' "$verdict" "$text")"
}

summary() {
    note "$((claims - failures)) of $claims claims hold ($overlay, Kubernetes $(server_version))"
    [[ $failures -eq 0 ]]
}

# Nothing further can be shown.
give_up() {
    note "FAILED  $*"
    {
        kube get pods --output=wide
        kube get events --field-selector=type=Warning --sort-by=.lastTimestamp | tail -n 20
    } >&2 || true
    exit 1
}

server_version() { kubectl version --output=json 2>/dev/null | sed -n 's/.*"gitVersion": "\(v[^"]*\)".*/\1/p' | tail -n 1; }

check_kubectl() {
    local version
    command -v kubectl >/dev/null || { echo 'kubectl is not installed' >&2 && exit "$MISSING"; }
    version=$(kubectl version --client --output=json 2>/dev/null | sed -n 's/.*"gitVersion": "v\([^"]*\)".*/\1/p' | head -n 1)
    if [[ $(printf '%s\n' 1.27 "${version:-0}" | sort --version-sort | head -n 1) != 1.27 ]]; then
        echo "kubectl ${version:-without a version} is older than 1.27: its kustomize does not know these files" >&2
        exit "$MISSING"
    fi
}

check_cluster() {
    local there name
    there=$(kubectl get namespaces --output=name --request-timeout=20s) || { echo 'no cluster answers' >&2 && exit "$MISSING"; }
    for name in "$NAMESPACE" "$OUTSIDE"; do
        if grep --quiet --line-regexp "namespace/$name" <<<"$there"; then
            echo "the namespace $name exists already, and this would remove it: kubectl delete namespace $name" >&2
            exit 1
        fi
    done
}

# Also after a failure and Ctrl-C, which is not heard a second time.
clean_up() {
    local code=$?
    trap '' INT TERM
    trap - EXIT
    [[ $is_made == yes ]] || exit "$code"
    if [[ $keep == yes ]]; then
        note "left: the namespace $NAMESPACE; kubectl delete namespace $NAMESPACE removes it"
        kube delete jobs,configmaps --selector="$PART=$OUTSIDE" --ignore-not-found --timeout="${REMOVE_S}s" >/dev/null || code=1
        kubectl delete namespace "$OUTSIDE" --ignore-not-found --timeout="${REMOVE_S}s" >/dev/null || code=1
    else
        # First those who make load: without uploads nothing has to be waited for.
        kube delete jobs --selector="$PART=$OUTSIDE" --ignore-not-found --timeout="${REMOVE_S}s" >/dev/null || true
        kubectl delete namespace "$NAMESPACE" "$OUTSIDE" --ignore-not-found --timeout="${REMOVE_S}s" >/dev/null || code=1
        note 'removed'
    fi
    exit "$code"
}

# Repeats a command, with a pause, until it succeeds; fails after so many seconds.
within() {
    local limit=$1 end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || { note "waited $limit s in vain: $*" && return 1; }
        sleep 0.5
    done
}

rolled_out() { kube rollout status "$1" --timeout="${ROLLOUT_S}s" >/dev/null || give_up "$1 is not rolled out after $ROLLOUT_S s"; }

all_rolled_out() {
    local name
    for name in "${DEPLOYMENTS[@]}"; do rolled_out "deployment/$name"; done
}

# Whether no pod is on its way out.
are_drained() { [[ -z $(kube get pods --output=jsonpath='{.items[*].metadata.deletionTimestamp}') ]]; }

drained() { within "$DRAIN_S" are_drained || give_up 'pods that were told to end are still there'; }

# The pods of a kind, without those of this script; ending ones are left out.
pods() {
    kube get pods --selector="$NAME=$1,$PART=tapedeck" --field-selector=status.phase=Running --output=go-template \
        --template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}'
}

# How to ask a pod: through the API server where it can reach pods in spite of the network policies, as it can on a node of its own;
# else by a port-forward for each question, which ends in the pod itself, but takes a moment.
choose_way() {
    local pod
    pod=$(pods auth | sed -n 1p)
    way=proxy
    timeout 10 kubectl get --raw "/api/v1/namespaces/$NAMESPACE/pods/$pod:8081/proxy/livez" >/dev/null 2>&1 || way=forward
    note "        pods are asked by $way"
}

# Prints what a pod answers to GET: `fetch POD PORT PATH`.
fetch() {
    local line='' answers connection forward
    if [[ $way == proxy ]]; then
        kubectl get --raw "/api/v1/namespaces/$NAMESPACE/pods/$1:$2/proxy$3"
        return
    fi
    exec {answers}< <(exec kubectl --namespace="$NAMESPACE" port-forward "pod/$1" ":$2" 2>/dev/null)
    forward=$!
    if IFS= read -r -t 20 -u "$answers" line && [[ $line =~ 127\.0\.0\.1:([0-9]+) ]]; then
        exec {connection}<>"/dev/tcp/127.0.0.1/${BASH_REMATCH[1]}"
        printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$3" >&"$connection"
        sed '1,/^\r$/d' <&"$connection"
        exec {connection}>&-
    fi
    kill "$forward" 2>/dev/null || true
    exec {answers}<&-
}

# Starts a Job with one of the programs in smoke.d/pods: `start_job NAMESPACE NAME LABEL PROGRAM [ARGUMENT…]`.
start_job() {
    local namespace=$1 name=$2 label=$3 program=$4 argument arguments=''
    shift 4
    for argument; do arguments+=", \"$argument\""; done
    kubectl apply --namespace="$namespace" --filename=- >/dev/null <<YAML
apiVersion: batch/v1
kind: Job
metadata:
  name: $name
  labels: {$PART: $OUTSIDE}
spec:
  backoffLimit: 0 # a second run would be another one
  activeDeadlineSeconds: 1800
  template:
    metadata:
      labels: {$NAME: $label, $PART: $OUTSIDE}
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 1
      # Nobody ever says so: pods that stand for others have their label, and a Service must not send them anything.
      readinessGates: [{conditionType: $OUTSIDE/never}]
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: main
          image: tapedeck/lab:0.1.0
          imagePullPolicy: IfNotPresent
          command: [bash, /smoke/$program$arguments]
          env:
            - {name: PASSWORD_FILE, value: /etc/tapedeck/bootstrap-admin/password}
            - {name: TAPEDECK_SERVER, value: "http://gateway:8080"}
          volumeMounts:
            - {name: programs, mountPath: /smoke, readOnly: true}
            - {name: password, mountPath: /etc/tapedeck/bootstrap-admin, readOnly: true}
            - {name: tmp, mountPath: /tmp}
          resources:
            requests: {cpu: 20m, memory: 32Mi}
            limits: {cpu: "1", memory: 256Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
      volumes:
        - name: programs
          configMap: {name: smoke}
        - name: password
          secret: {secretName: bootstrap-admin, defaultMode: 0440, optional: true} # the stranger has none
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
YAML
}

# The programs as a ConfigMap in the namespace.
bring_programs() {
    kubectl --namespace="$1" create configmap smoke --from-file="$HERE/smoke.d/pods" >/dev/null
    kubectl --namespace="$1" label configmap smoke "$PART=$OUTSIDE" >/dev/null
}

# Whether the Job has ended, one way or the other.
has_ended() { [[ $(kubectl --namespace="$1" get job "$2" --output=jsonpath='{.status.succeeded}{.status.failed}') =~ [1-9] ]]; }

has_succeeded() { [[ $(kubectl --namespace="$1" get job "$2" --output=jsonpath='{.status.succeeded}') == 1 ]]; }

# Waits for the Job's end, and prints what it said: `result NAMESPACE NAME SECONDS`.
result() {
    within "$3" has_ended "$1" "$2" >&2 || true
    kubectl --namespace="$1" logs "job/$2" 2>/dev/null || true
}
