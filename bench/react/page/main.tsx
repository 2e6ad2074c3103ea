import { memo, StrictMode, useCallback } from 'react'
import { createRoot } from 'react-dom/client'
import type { Tick } from '../feed.js'
import { contenders, type Contender } from './contenders.js'
import { openTransition } from './transition.js'
import { createMeter, type Measured, type Meter } from './meter.js'

declare global {
  interface Window {
    /** Set once messages would arrive. */
    ready?: boolean
    /** What one component saw; for many components, how often each rendered because of messages. */
    measured(): Measured
    cellRenders(): number[]
    /** A counter that grows with every message and every render. */
    counted(): number
    /** Messages before this call do not count. */
    forget(): void
    /** Unmounts all components. */
    unmount(): void
    /** See `openTransition`. */
    switchPage?(): Promise<number>
    /** Uncaught errors. */
    faults: string[]
  }
}

const query = new URLSearchParams(location.search)
const contender = contenders[query.get('contender') ?? 'livesocket']!
const url = query.get('feed')!
const rows = Number(query.get('rows'))
const cells = Number(query.get('cells'))
const meter = createMeter()
const renders: number[] = []

/** Long enough for a subscription to reach the server. */
const SETTLED = 300

function onReady() {
  setTimeout(() => {
    window.forget()
    window.ready = true
  }, SETTLED)
}

function Ticks({ contender, meter }: { contender: Contender; meter: Meter }) {
  meter.rendered()
  const last = contender.useTicks(url, meter)
  return rows === 0 ? <output>{last?.price}</output> : <Rows last={last} />
}

function Rows({ last }: { last: Tick | undefined }) {
  return (
    <table>
      <tbody>
        {Array.from({ length: rows }, (_, row) => (
          <tr key={row}>
            <td>{row}</td>
            <td>{last?.symbol}</td>
            <td>{((last?.price ?? 0) + row).toFixed(4)}</td>
            <td>{last?.n}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const Cell = memo(function Cell({ contender, index }: { contender: Contender; index: number }) {
  renders[index] = (renders[index] ?? 0) + 1
  return <li>{contender.useCell(url, `cell-${index}`)?.n}</li>
})

function App() {
  const { Around, Ready } = contender
  const ready = useCallback(onReady, [])
  return (
    <Around url={url}>
      <Ready url={url} onReady={ready} />
      {cells === 0 ? (
        <Ticks contender={contender} meter={meter} />
      ) : (
        <ul>
          {Array.from({ length: cells }, (_, index) => (
            <Cell key={index} contender={contender} index={index} />
          ))}
        </ul>
      )}
    </Around>
  )
}

window.measured = meter.measured
window.forget = () => {
  meter.forget()
  renders.fill(0)
}
window.cellRenders = () => [...renders]
window.counted = () => {
  const { renders: all, seen } = meter.measured()
  return all + seen + renders.reduce((sum, one) => sum + one, 0)
}
window.faults = []
window.addEventListener('error', ({ message }) => void window.faults.push(message))
window.addEventListener('unhandledrejection', ({ reason }) => void window.faults.push(String(reason)))

function Connected({ use }: { use(url: string): void }) {
  use(url)
  return null
}

if (query.has('transition')) openTransition(query.get('transition')!, url, () => void (window.ready = true))
else openContender()

function openContender() {
  const root = createRoot(document.getElementById('root')!)
  window.unmount = () => root.unmount()
  if (!query.has('connections')) return root.render(<App />)
  const use = contender.useConnection!
  root.render(
    <StrictMode>
      {Array.from({ length: Number(query.get('connections')) }, (_, at) => (
        <Connected key={at} use={use} />
      ))}
    </StrictMode>,
  )
  window.ready = true
}
