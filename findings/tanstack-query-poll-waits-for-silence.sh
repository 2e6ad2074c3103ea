#!/usr/bin/env bash
# TanStack Query 5.108.4: each `setQueryData` restarts `refetchInterval`. A query that is polled every 300 ms, and into which a message is written every
# 100 ms, is never fetched again; after the last message the next fetch is 300 ms away. This holds even if the written value is the same as before.
# `gcTime` is not restarted: a query without observers loses its data that long after it was created, however often data is written meanwhile, and an
# updater that extends the data then receives `undefined`.
# One would guess that the interval runs on its own ("fires on its own clock", says the guide on polling), and that writing to data counts as using it.
# In pull request 8096 a maintainer says that the first is intended; the documentation does not say so.
# It matters where live messages are written into a query, and a slow poll is to repair what a broken connection missed: nothing is polled as long
# as messages come, so what was missed stays wrong on the busiest topics. Needs Node and npm.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund @tanstack/query-core@5.108.4
cat > see.mjs <<'JS'
import { createRequire } from 'node:module'
// On a server, which it knows by this, it polls nothing.
globalThis.window = globalThis
const { QueryClient, QueryObserver } = await import('@tanstack/query-core')
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** How often a query that is polled every 300 ms is fetched in 3 s, while `write` is called every 100 ms, and in 1.5 s of silence after them. */
async function polled(write) {
  const client = new QueryClient()
  let fetches = 0
  const observer = new QueryObserver(client, { queryKey: ['price'], queryFn: async () => ++fetches, refetchInterval: 300, refetchIntervalInBackground: true })
  const undo = observer.subscribe(() => undefined)
  await sleep(50)
  const messages = setInterval(() => write(client), 100)
  await sleep(3_000)
  clearInterval(messages)
  const during = fetches - 1
  await sleep(1_500)
  undo()
  client.clear()
  return { during, after: fetches - 1 - during }
}

/** How many of the 30 messages that come every 50 ms are in the data of a query that nobody observes, at each of them. */
async function kept(gcTime) {
  const client = new QueryClient({ defaultOptions: { queries: { gcTime } } })
  const lengths = []
  for (let n = 1; n <= 30; n++) {
    lengths.push(client.setQueryData(['log'], (before = []) => [...before, n]).length)
    await sleep(50)
  }
  client.clear()
  return Math.max(...lengths)
}

const nothing = await polled(() => undefined)
const other = await polled((client) => client.setQueryData(['price'], Math.random()))
const equal = await polled((client) => client.setQueryData(['price'], 0))
const long = await kept(60_000)
const short = await kept(400)
console.log(`@tanstack/query-core ${createRequire(import.meta.url)('@tanstack/query-core/package.json').version}`)
for (const [what, { during, after }] of Object.entries({ nothing, 'another value': other, 'the same value': equal }))
  console.log(`  polled every 300 ms, beside ${what} written every 100 ms: fetched ${during} times in 3 s, ${after} times in 1.5 s of silence`)
console.log(`  written every 50 ms and observed by nobody: at most ${long} of 30 messages with a gcTime of 60 s, ${short} with one of 0.4 s`)
const same = nothing.during >= 7 && [other, equal].every(({ during, after }) => during === 0 && after >= 2) && long === 30 && short <= 9
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
node see.mjs
