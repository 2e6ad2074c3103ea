#!/usr/bin/env bash
# React 19.3.1: each change that `useSyncExternalStore` shows makes React discard a transition that it is rendering and restart it, even if the
# transition reads nothing of the store, and the store is shown in another root in another container. With a change every 50 ms, a transition with 300 ms
# of work starts fifty to a hundred times, and finishes after 5 s, when React stops yielding for it. Notifying the store's listeners within `startTransition`
# changes nothing. `useState` that is set at the same rate does not delay it.
# Expected: a store that the transition does not read does not affect it, or at least a separate root protects it.
# The documentation mentions only stores that change during a transition that shows them.
# Why it matters: if a page shows anything live, such as one ticking price, each of its navigations takes seconds. Show values that may wait through
# `startTransition` of a state. Needs Node and npm; runs in jsdom, on the node that it installs (some 110 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund node26@npm:node@26.10.0 react@19.3.1 react-dom@19.3.1 jsdom@31.0.1
cat > see.mjs <<'JS'
import { JSDOM } from 'jsdom'
const { window } = new JSDOM('<div id="page"></div><div id="ticker"></div>')
Object.assign(globalThis, { window, document: window.document })
const { createElement, startTransition, useState, useSyncExternalStore, version } = await import('react')
const { createRoot } = await import('react-dom/client')
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const work = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); }

let price = 0
const listeners = new Set()
const store = [(listener) => (listeners.add(listener), () => listeners.delete(listener)), () => price]
const tell = () => listeners.forEach((listener) => listener())
let setPrice
const ByStore = () => createElement('b', null, useSyncExternalStore(...store))
const ByState = () => { const [state, set] = useState(0); setPrice = set; return createElement('b', null, state) }

/** How often a transition of fifty rows of 6 ms each begins, and how long it takes, while `change` is called every 50 ms. */
async function see(Ticker, change) {
  let begun = 0
  let turn
  const Row = ({ n, page }) => {
    if (page === 1 && n === 0) begun++
    if (page === 1) work(6)
    return createElement('i', null, page)
  }
  const Page = () => {
    const [page, set] = useState(0)
    turn = set
    return Array.from({ length: 50 }, (_, n) => createElement(Row, { key: n, n, page }))
  }
  const roots = ['page', 'ticker'].map((id) => createRoot(document.getElementById(id)))
  roots[0].render(createElement(Page))
  roots[1].render(createElement(Ticker))
  await sleep(200)
  const ticks = setInterval(() => (price++, change()), 50)
  const at = performance.now()
  startTransition(() => turn(1))
  while (document.querySelector('i').textContent !== '1') await sleep(5)
  clearInterval(ticks)
  const took = performance.now() - at
  roots.forEach((root) => root.unmount())
  await sleep(50)
  return { begun, took }
}
const seen = {
  nothing: await see(ByState, () => undefined),
  useState: await see(ByState, () => setPrice(price)),
  useSyncExternalStore: await see(ByStore, tell),
  'useSyncExternalStore, told in startTransition': await see(ByStore, () => startTransition(tell)),
}
console.log(`React ${version}`)
for (const [what, { begun, took }] of Object.entries(seen)) console.log(`  beside ${what} the transition begins ${begun} times, and takes ${(took / 1_000).toFixed(1)} s`)
const [none, state, ...stores] = Object.values(seen)
const same = none.begun === 1 && state.begun <= 5 && stores.every(({ begun, took }) => begun >= 10 && took >= 4_500)
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
NODE_ENV=production timeout 120 node_modules/node26/bin/node see.mjs
