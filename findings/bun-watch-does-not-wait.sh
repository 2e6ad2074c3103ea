#!/usr/bin/env bash
# Bun 1.4.5: when a file has changed, `bun --watch` sends SIGTERM, runs its listeners, and restarts in the same process some 0.2 s later, whether
# or not the program has ended. Timers that a listener sets never fire, what it writes to a socket afterwards is never sent, and `exit` does not fire.
# Expected: as in Node 20 and nodemon 3, which wait until the program that listens to the signal has ended.
# Why it matters: a server has no time to close its connections properly; they are cut. Needs Node and npm; installs bun (some 90 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund bun@1.4.5
cat > program.ts <<'TS'
console.log(`${process.pid} begins`)
process.on('SIGTERM', () => {
  console.log(`${process.pid} is told, and wants a second more`)
  setTimeout(() => (console.log(`${process.pid} is done`), process.exit(0)), 1_000)
})
process.on('exit', () => console.log(`${process.pid} ends`))
setInterval(() => undefined, 1_000)
TS
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
const [, , command, ...words] = process.argv
const child = spawn(command, words, { stdio: 'inherit', detached: true })
setTimeout(() => appendFileSync('program.ts', '// changed\n'), 2_000)
setTimeout(() => { try { process.kill(-child.pid, 'SIGKILL') } catch {} }, 5_000)
JS
bun=$(node see.mjs node_modules/.bin/bun --watch program.ts)
cp program.ts program.mjs
sed -i 's/program\.ts/program.mjs/' see.mjs
node=$(node see.mjs node --watch program.mjs)
printf '%s\n' "--- bun $(node_modules/.bin/bun --version) --watch" "$bun" "--- node $(node --version) --watch" "$node"
for told in "$bun" "$node"; do grep -q 'wants a second more' <<< "$told" || { echo CHANGED; exit 1; }; done
if grep -q ' is done\| ends' <<< "$bun" || ! grep -q ' is done' <<< "$node" || ! [ "$(grep -c begins <<< "$bun")" = 2 ]; then echo CHANGED; exit 1; fi
