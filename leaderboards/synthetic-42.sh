#!/usr/bin/env bash
# The rows of the benchmark "synthetic-42", from nothing: make leaderboards. Stages that stand in the store are not run
# again.
#
# The demo with twice its clips: with 21, most differences are too small to be told from chance. Every network is trained
# with three seeds. An hour on two busy cores; the records say with which code and on which machine they were made.
set -euo pipefail
cd "$(dirname "$0")/.."
STORE=${STORE:-.leaderboards/store}
run() {
    local name=$1
    shift
    .venv/bin/harness run demo --name "$name" --set benchmark=synthetic-42 --set data.target.clips=42 \
        --set 'seeds=[0, 1, 2]' "$@" \
        --store "$STORE" --runs .leaderboards/runs --leaderboards leaderboards
}
labeler() {
    run "$@" --set 'training.backbones=[]' --set labeling.threshold=0
}

# systems: the labeler facs, five networks before and after fine-tuning, and their ensemble
run majority-vote
run mean-probability --set fusion.aggregator=mean-probability
run smoothed --set fusion.aggregator=mean-probability --set 'fusion.smoothing={kind = "box", window = 9}'
run no-fine-tuning --set training.finetune.epochs=0
run cross-entropy --set training.loss=cross-entropy
run cross-entropy-mean --set training.loss=cross-entropy --set fusion.aggregator=mean-probability

# labelers alone
labeler fer2013 --set 'labeling.labelers=["fer2013"]'
for accuracy in 0.3 0.5 0.7 0.9; do
    labeler "simulated-$accuracy" --set "labeling.labelers={use = \"simulated\", accuracy = $accuracy}"
done

.venv/bin/harness leaderboard check synthetic-42
