#!/usr/bin/env bash
# SIGTERM to a program that runs a script or a command, and to it alone, as to the first process of a container; the server below it needs a second to drain.
# Node 26.10.0 (`node --run start`) ends at once, and the server is neither told nor ended: it is left running.
# env-cmd 11.0.0 tells the server, but ends at once itself, which ends a container with the server in it.
# pnpm 12.21.0 tells the server and waits, but then reports that SIGTERM killed it (143), although the server ended with 0.
# Bun 1.4.5 (`bun run`), Deno 2.9.6 (`deno task`), tsx 4.23.15 and cross-env 10.1.0 tell it, wait, and end with its 0.
# One would guess that Node's own runner passes signals on, as its `--watch` does, and that each runner which passes them on also waits and ends alike.
# Node's documentation of `--run` does not mention signals (issue #65712 asks for it). That `npm start` loses them is better known.
# It matters because the command of an image is often such a line: the drain never begins, or is cut, and no log says so. Needs Node and npm; installs
# node, bun, deno (some 300 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir "$work/tools" "$work/app" && cd "$work/tools" && npm init -y > /dev/null
npm install --silent --no-audit --no-fund node26@npm:node@26.10.0 pnpm@12.21.0 bun@1.4.5 deno@2.9.6 tsx@4.23.15 cross-env@10.1.0 env-cmd@11.0.0
cd "$work/app" && echo 'A=1' > .env && echo '{ "name": "app", "version": "1.0.0", "scripts": { "start": "node server.mjs" } }' > package.json
cat > server.mjs <<'JS'
import { appendFileSync } from 'node:fs'
const say = (what) => appendFileSync('log', `${process.pid} ${what}\n`)
process.on('SIGTERM', () => (say('told'), setTimeout(() => (say('drained'), process.exit(0)), 1_000)))
// Should nobody tell it, it ends by itself.
setTimeout(() => process.exit(1), 20_000)
say('up')
JS
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
const [, , ...words] = process.argv
rmSync('log', { force: true })
const read = () => (existsSync('log') ? readFileSync('log', 'utf8') : '')
const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}
const runner = spawn(words[0], words.slice(1), { stdio: 'ignore', detached: true })
let end
runner.on('exit', (code, signal) => (end = { first: !read().includes('drained'), how: signal ?? code }))
await until(() => read().includes('up'))
// A runner may listen to signals a moment after it has started what it runs.
await new Promise((resolve) => setTimeout(resolve, 500))
runner.kill('SIGTERM')
await until(() => end)
// Enough for a server that was told.
for (let waited = 0; waited < 1_500 && !read().includes('drained'); waited += 50) await new Promise((resolve) => setTimeout(resolve, 50))
await new Promise((resolve) => setTimeout(resolve, 200))
const pid = parseInt(read())
let runs = true
try {
  process.kill(pid, 0)
} catch {
  runs = false
}
console.log(`server ${read().includes('drained') ? 'drained' : runs ? 'left running' : 'cut'}, runner ended ${end.first ? 'before it' : 'behind it'} with ${end.how}`)
if (runs) process.kill(pid, 'SIGKILL')
JS
bin="$work/tools/node_modules" changed=0
see() {
  name=$1 expected=$2; shift 2
  seen=$(timeout 30 node see.mjs "$@")
  echo "$name: $seen"
  [ "$seen" = "$expected" ] || changed=1
}
well='server drained, runner ended behind it with 0'
see "node --run, $("$bin/node26/bin/node" --version)" 'server left running, runner ended before it with SIGTERM' "$bin/node26/bin/node" --run start
see env-cmd "server drained, runner ended before it with SIGTERM" "$bin/.bin/env-cmd" node server.mjs
see "pnpm start, $("$bin/.bin/pnpm" --version)" 'server drained, runner ended behind it with SIGTERM' "$bin/.bin/pnpm" start
see "bun run, $("$bin/.bin/bun" --version)" "$well" "$bin/.bin/bun" run start
see "deno task, $("$bin/.bin/deno" --version | head -1 | cut -d' ' -f2)" "$well" "$bin/.bin/deno" task start
see tsx "$well" "$bin/.bin/tsx" server.mjs
see cross-env "$well" "$bin/.bin/cross-env" A=1 node server.mjs
[ $changed = 0 ] && echo 'as described' || { echo CHANGED; exit 1; }
