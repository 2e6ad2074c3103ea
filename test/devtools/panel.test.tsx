// @vitest-environment happy-dom
import { render, waitFor } from '@testing-library/react'
import { createLiveSocket } from 'livesocket'
import { breakable, LiveSocketDevtools, mountDevtools, type DevtoolsOptions, type Recording } from 'livesocket/devtools'
import { createSimulation } from 'livesocket/testing'
import { StrictMode } from 'react'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { act } from '../kit/react-act.js'

function setUp(options: DevtoolsOptions & { breakableToo?: boolean } = {}) {
  const sim = createSimulation({ seed: 3, requireToken: true })
  const wire = breakable(sim.environment.WebSocket)
  const socket = createLiveSocket({
    url: sim.url,
    getToken: sim.getToken,
    environment: { ...sim.environment, WebSocket: wire },
    reconnect: { spread: 300 },
  })
  const exported = vi.fn<(recording: Recording) => void>()
  const { breakableToo = true, ...rest } = options
  const how: DevtoolsOptions = {
    clock: sim.clock,
    frames: sim.clock,
    onExport: exported,
    ...(breakableToo ? { wire } : {}),
    ...rest,
  }
  socket.subscribe('room', () => {})
  return { sim, socket, wire, how, exported }
}

function mounted(options?: DevtoolsOptions & { breakableToo?: boolean }) {
  const world = setUp(options)
  const element = document.body.appendChild(document.createElement('div'))
  const panel = mountDevtools(world.socket, element, world.how)
  const root = element.firstElementChild!.shadowRoot!
  const button = (name: string) => [...root.querySelectorAll('button')].find(({ textContent }) => textContent === name)!
  const cell = (name: string) =>
    [...root.querySelectorAll('dl div')]
      .find((pair) => pair.querySelector('dt')!.textContent === name)!
      .querySelector('dd')!.textContent
  return { ...world, element, panel, root, button, cell, text: () => root.querySelector('section')!.textContent! }
}

describe('mountDevtools', () => {
  it('reports an element that does not exist, and then records nothing', () => {
    const { sim, socket, how } = setUp()
    const pending = sim.clock.pending
    expect(() => mountDevtools(socket, document.querySelector<HTMLElement>('#missing')!, how)).toThrow(
      'mountDevtools: there is no such element.',
    )
    expect(sim.clock.pending).toBe(pending)
  })

  it('requests no canvas context while it is hidden, since jsdom would complain at every frame', async () => {
    const asked = vi.spyOn(HTMLCanvasElement.prototype, 'getContext')
    onTestFinished(() => asked.mockRestore())
    const { sim } = mounted()
    await sim.advance(100)
    expect(asked).not.toHaveBeenCalled()
  })

  it('shows the status, the leg, the counters, the token’s schedule and the outbox', async () => {
    const { sim, socket, root, cell, text } = mounted()
    expect(root.querySelector('[role=status]')!.textContent).toBe('idle')
    socket.connect()
    await sim.advance(500)
    for (let count = 0; count < 7; count++) sim.publish('room', count)
    await sim.advance(100)
    expect(root.querySelector('[role=status]')!.textContent).toBe('live')
    expect(text()).toMatch(/leg 1 on server-1/)
    expect(text()).toMatch(/Token valid; next one in \d min, this one ends in 10 min/)
    expect([cell('Delivered'), cell('Gaps'), cell('Outbox')]).toEqual(['7', '0', 'empty'])
    sim.servers[0]!.acks = false
    void socket.publish('other', 'x').catch(() => undefined)
    await sim.advance(100)
    expect(cell('Outbox')).toMatch(/^1 · \d+ B$/)
  })

  it('shows why the socket is not live and what to check, until it is live', async () => {
    const { sim, socket, root, text } = mounted()
    const line = () => [...root.querySelectorAll('p')].find(({ textContent }) => textContent!.startsWith('Not live'))!
    expect(line().hidden).toBe(true)
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    sim.refuse('refuses')
    socket.connect()
    await sim.advance(500)
    expect(line().hidden).toBe(false)
    expect(text()).toMatch(/Not live unreachable, .* ago: .*Server up\? Path\?/)
    sim.accept()
    await sim.advance(30_000)
    expect(line().hidden).toBe(true)
    vi.restoreAllMocks()
  })

  it('hands over, breaks, freezes and thaws at the press of a button', async () => {
    const { sim, socket, button, text } = mounted()
    expect(button('Hand over now').disabled).toBe(true)
    socket.connect()
    await sim.advance(500)
    button('Hand over now').click()
    await sim.advance(1_500)
    expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 0 })
    button('Break it').click()
    await sim.advance(1_500)
    expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 1 })
    button('Freeze it').click()
    sim.publish('room', 'late')
    await sim.advance(1_000)
    expect(socket.stats().delivered).toBe(0)
    button('Thaw').click()
    await sim.advance(100)
    expect(socket.stats().delivered).toBe(1)
    for (const word of ['leg-dialling', 'handover-started', 'cutover', 'leg-closed', '1006'])
      expect(text()).toContain(word)
  })

  it('offers to thaw only while something is frozen', async () => {
    const { sim, socket, button } = mounted()
    socket.connect()
    await sim.advance(500)
    button('Freeze it').click()
    await sim.advance(100)
    expect(button('Thaw')).toBeDefined()
    button('Break it').click()
    await sim.advance(1_500)
    expect(socket.stats().reconnects).toBe(1)
    expect(button('Freeze it')).toBeDefined()
  })

  it('leaves fields out of its log that an event does not have', async () => {
    const { sim, socket, button, text } = mounted()
    socket.connect()
    await sim.advance(500)
    button('Break it').click()
    await sim.advance(100)
    expect(text()).toContain('leg 1 · code 1006 · by server')
  })

  it('cannot break a WebSocket that is not breakable, and says how to make it so', () => {
    const { button } = mounted({ breakableToo: false })
    for (const name of ['Break it', 'Freeze it']) {
      expect(button(name).disabled).toBe(true)
      expect(button(name).title).toContain('breakable()')
    }
  })

  it('shows why it hands over, and until when', async () => {
    const { sim, socket, text } = mounted()
    socket.connect()
    await sim.advance(2_000)
    sim.deploy({ deadline: 10_000, spread: 5_000 })
    await sim.advance(100)
    expect(text()).toMatch(/live, handing over/)
    expect(text()).toMatch(/because of “deploy”; 9\.\d s to the deadline/)
  })

  it('shows no credential from a text of the server', async () => {
    const { sim, socket, text } = mounted()
    socket.connect()
    await sim.advance(500)
    sim.deploy({ reason: 'token=abcdef', spread: 5_000 })
    await sim.advance(100)
    expect(text()).toContain('because of “token=[redacted]”')
    expect(text()).not.toContain('abcdef')
  })

  it('logs each status once', async () => {
    const { sim, socket, root } = mounted()
    socket.connect()
    await sim.advance(500)
    const rows = [...root.querySelectorAll('.log li')].map((row) =>
      [...row.children]
        .slice(1)
        .map((part) => part.textContent)
        .join(' | '),
    )
    expect(rows).toEqual(expect.arrayContaining(['status | idle', 'status | connecting', 'status | live']))
  })

  it('does not change while it is paused, and exports what it has recorded meanwhile', async () => {
    const { sim, socket, button, cell, exported } = mounted()
    socket.connect()
    await sim.advance(500)
    button('Pause').click()
    sim.publish('room', 1)
    await sim.advance(500)
    expect(cell('Delivered')).toBe('0')
    button('Export').click()
    expect(exported.mock.lastCall![0]).toMatchObject({
      format: 'livesocket-recording-1',
      stats: { delivered: 1 },
      legs: [{ number: 1, delivered: 1 }],
    })
    button('Resume').click()
    await sim.advance(50)
    expect(cell('Delivered')).toBe('1')
  })

  it('saves a recording as a file if there is no onExport', () => {
    const { button } = mounted({ onExport: undefined })
    const saved: string[] = []
    const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download)
    })
    const revoked = vi.spyOn(URL, 'revokeObjectURL')
    button('Export').click()
    click.mockRestore()
    // Safari has not begun to read the file by then.
    expect(revoked).not.toHaveBeenCalled()
    revoked.mockRestore()
    expect(saved).toEqual([expect.stringMatching(/^livesocket-2030-01-01T.*\.json$/)])
  })

  it('leaves nothing behind when it is unmounted: no element, no timer, no frozen connection', async () => {
    const { sim, socket, element, panel, button, wire } = mounted()
    socket.connect()
    await sim.advance(500)
    button('Freeze it').click()
    sim.publish('room', 1)
    await sim.advance(100)
    const timers = sim.clock.pending
    panel.unmount()
    expect(element.childElementCount).toBe(0)
    expect(sim.clock.pending).toBeLessThanOrEqual(timers - 2)
    await sim.advance(100)
    expect(socket.stats().delivered).toBe(1)
    expect(wire.connections).toHaveLength(1)
  })
})

describe('<LiveSocketDevtools>', () => {
  it('is one panel in StrictMode, and none after it is gone', async () => {
    const { socket, how } = setUp()
    const { container, unmount } = render(<LiveSocketDevtools socket={socket} {...how} />, { wrapper: StrictMode })
    await waitFor(() => expect(container.firstElementChild!.firstElementChild?.shadowRoot).toBeTruthy())
    await act(async () => undefined)
    expect(container.firstElementChild!.childElementCount).toBe(1)
    unmount()
    expect(container.childElementCount).toBe(0)
  })

  it('keeps its state when it renders again, and uses the latest export function and theme', async () => {
    const { socket, how } = setUp()
    const exports: string[] = []
    const App = ({ name, theme }: { name: string; theme: 'light' | 'dark' }) => (
      <LiveSocketDevtools socket={socket} {...how} theme={theme} onExport={() => exports.push(name)} />
    )
    const { container, rerender } = render(<App name="first" theme="light" />)
    await waitFor(() => expect(container.firstElementChild!.firstElementChild?.shadowRoot).toBeTruthy())
    const host = container.firstElementChild!.firstElementChild!
    rerender(<App name="second" theme="dark" />)
    await act(async () => undefined)
    expect(container.firstElementChild!.firstElementChild).toBe(host)
    ;[...host.shadowRoot!.querySelectorAll('button')].find(({ textContent }) => textContent === 'Export')!.click()
    expect(exports).toEqual(['second'])
    expect((container.firstElementChild as HTMLElement).style.colorScheme).toBe('dark')
  })

  it('saves a file if there is no onExport', async () => {
    const { socket, how } = setUp()
    const { container } = render(<LiveSocketDevtools socket={socket} {...how} onExport={undefined} />)
    await waitFor(() => expect(container.firstElementChild!.firstElementChild?.shadowRoot).toBeTruthy())
    const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined)
    ;[...container.firstElementChild!.firstElementChild!.shadowRoot!.querySelectorAll('button')]
      .find(({ textContent }) => textContent === 'Export')!
      .click()
    expect(click).toHaveBeenCalledTimes(1)
    click.mockRestore()
  })
})
