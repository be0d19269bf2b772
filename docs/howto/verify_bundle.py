"""Checks a proof without Todoke: python verify_bundle.py PROOF [ANCHOR ...], on any Python from 3.9 on."""
# ruff: noqa: ANN001, ANN201, I001, INP001, T201 -- it stands alone, and on one page

import hashlib, json, re, sys  # noqa: E401
from collections import Counter


def faults(proof, anchors):
    """Yield, in a sentence each, what does not hold."""
    first, last = proof["last"]["seq"] - len(proof["entries"]) + 1, proof["last"]
    hashes, due, refused = {first - 1: proof["previous_hash"]}, {}, Counter()
    for entry in proof["basis"] + proof["entries"]:
        bare = {key: value for key, value in entry.items() if key != "hash"}
        text = json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if hashlib.sha256(text.encode()).hexdigest() != entry["hash"]:
            yield f"entry {entry['seq']} was changed"
        if re.fullmatch(r"gate\.(opened|closed)|item\.(signed|withdrawn)|stop\.(pulled|lifted)", entry["event"]):
            said = {key: value for key, value in entry["payload"].items() if key != "evidence"}
            due[entry["seq"]] = [entry["event"], entry["at"], entry["actor_name"], said]
    for number, entry in enumerate(proof["entries"], first):
        if (entry["seq"], entry["previous_hash"]) != (number, hashes[number - 1]):
            yield f"entry {number} is missing, was moved, or does not follow the one before"
        hashes[number] = entry["hash"]
        if entry["event"] == "gate.refused":
            refused.update(entry["payload"].get("counts", {}))
    sides = [side for one in proof["periods"] + proof["signatures"] + proof["stops"] for side in one.values() if side]
    told = [(side["entry"], [side["event"], side["at"], side["by"], side["said"]]) for side in sides]
    on = [any(p["began"]["entry"] < first for p in proof["periods"]), not all(p["ended"] for p in proof["periods"])]
    same = dict(told) == due and all(due[seq] == said for seq, said in told)
    if not same or dict(refused) != proof["refusals"] or on != [state["closed_chat"] for state in proof["states"]]:
        yield "the summary does not say what its entries say"
    if proof["from"] is None and (first, proof["previous_hash"]) != (1, "0" * 64):
        yield "the beginning was cut off"
    if hashes[last["seq"]] != last["hash"] or (proof["to"] is None and last != (proof["head"] or last)):
        yield "the end was cut off"
    for seq, digest in re.findall(r"todoke-anchor\s+1\s+(\d+)\s+(\w{64})", " ".join(anchors)):
        if hashes.get(int(seq)) != digest:
            yield f"entry {seq} is not the one that was anchored, or this proof does not reach it"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123
        found = list(faults(json.load(file), sys.argv[2:]))
    print("\n".join(found) or "The proof holds.")
    sys.exit(bool(found))
