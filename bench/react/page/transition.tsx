import { createLiveSocket } from 'livesocket'
import { useLiveValue } from 'livesocket/react'
import { startTransition, useEffect, useState, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import type { Tick } from '../feed.js'

/** How many components the next page has, and how long each takes to render, ms. */
const COMPONENTS = 150
const EACH = 2

/**
 * Switches in a transition to a page that takes `COMPONENTS × EACH` ms to render, beside a component that shows a topic
 * in one of the `WAYS`. `window.switchPage()` resolves with how long the switch took, ms.
 */
export function openTransition(way: string, url: string, ready: () => void) {
  const socket = createLiveSocket({ url: `${url}/live` })
  const latest = socket.fold('ticks', (_before: Tick | undefined, tick) => tick as Tick, undefined)
  const ways: Record<string, () => ReactNode> = {
    'nothing live': () => null,
    'a hook': () => (useLiveValue('ticks', { socket }) as Tick | undefined)?.n,
    'a hook in a root of its own': () => null,
    'told in a transition': () => {
      const [shown, show] = useState(latest.getState)
      useEffect(() => {
        startTransition(() => show(latest.getState()))
        return latest.subscribe((next) => startTransition(() => show(next)))
      }, [])
      return shown?.n
    },
  }
  const Live = ways[way]!
  const Own = ways['a hook']!
  let go = () => {}
  let switched = (_at: number) => {}
  const Page = () => {
    const [there, setThere] = useState(false)
    go = () => startTransition(() => setThere(true))
    return there ? <Next /> : 'before'
  }
  const Next = () => {
    useEffect(() => switched(performance.now()), [])
    return Array.from({ length: COMPONENTS }, (_, key) => <Slow key={key} />)
  }
  createRoot(document.getElementById('root')!).render([<Live key="live" />, <Page key="page" />])
  if (way === 'a hook in a root of its own')
    createRoot(document.body.appendChild(document.createElement('div'))).render(<Own />)
  window.switchPage = () =>
    new Promise<number>((resolve) => {
      const start = performance.now()
      switched = (at) => resolve(Math.round(at - start))
      go()
    })
  socket.store.subscribe(({ status }) => status === 'live' && setTimeout(ready, 300))
  socket.connect()
}

function Slow() {
  for (const end = performance.now() + EACH; performance.now() < end; );
  return null
}
