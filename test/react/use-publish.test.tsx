// @vitest-environment happy-dom
import { createLiveSocket, type Published } from 'livesocket'
import { usePublish, type Publishing } from 'livesocket/react'
import { describe, expect, it } from 'vitest'
import { act } from '../kit/react-act.js'
import { createStage } from './stage.js'

async function setUp(topic: string | null = 'chat') {
  const stage = createStage()
  const socket = createLiveSocket(stage.options)
  const seen: Publishing<unknown>[] = []
  const Sender = () => {
    const publishing = usePublish(topic, { socket })
    seen.push(publishing)
    return (
      <output>
        {publishing.pending} {publishing.error?.code}
      </output>
    )
  }
  const { container, unmount } = stage.render(<Sender />)
  act(() => socket.connect())
  await stage.advance(500)
  const publish = async (data: unknown): Promise<{ outcome: Promise<Published> }> => {
    let outcome!: Promise<Published>
    await act(async () => void (outcome = seen.at(-1)!.publish(data)))
    return { outcome }
  }
  return { ...stage, socket, seen, container, unmount, publish }
}

describe('usePublish', () => {
  it('publishes, counts pending publishes, and resolves with the answer', async () => {
    const { publish, container, advance, simulation } = await setUp()
    const { outcome } = await publish({ text: 'hello' })
    await publish({ text: 'again' })
    expect(container.textContent).toBe('2 ')
    await advance(500)
    expect(container.textContent).toBe('0 ')
    expect(await outcome).toMatchObject({ offset: 1 })
    expect(simulation.published.map(({ data }) => data)).toEqual([{ text: 'hello' }, { text: 'again' }])
  })

  it('publishes through a socket of another copy of livesocket, or a stand-in of a test', async () => {
    const stage = createStage()
    const real = createLiveSocket(stage.options)
    const socket = { ...real }
    let publishing!: Publishing<unknown>
    const Sender = () => {
      publishing = usePublish<string, Record<string, unknown>>('chat', { socket })
      return publishing.error?.code ?? 'no error'
    }
    const { container } = stage.render(<Sender />)
    expect(container.textContent).toBe('no error')
    await act(async () => void publishing.publish('not connected'))
    act(() => real.close())
    await stage.advance(10)
    expect(container.textContent).toBe('closed')
  })

  it('shows why the last publish failed until the next one, without an unhandled rejection', async () => {
    const { publish, container, socket, advance } = await setUp()
    act(() => socket.close())
    const { outcome } = await publish('late')
    await advance(10)
    expect(container.textContent).toBe('0 closed')
    await expect(outcome).rejects.toMatchObject({ code: 'closed' })
    act(() => socket.connect())
    await publish('now')
    expect(container.textContent).toBe('1 ')
    await advance(500)
    expect(container.textContent).toBe('0 ')
  })

  it.each(['before the sign-out', 'by the sign-out'])(
    'does not show the next user a failed publish of the user who signed out: %s',
    async (when) => {
      const { publish, container, socket, advance } = await setUp()
      if (when.startsWith('before')) act(() => socket.close())
      const { outcome } = await publish('his')
      if (when.startsWith('before')) await advance(10)
      act(() => socket.signOut())
      await expect(outcome).rejects.toMatchObject({ code: when.startsWith('before') ? 'closed' : 'outcome-unknown' })
      await advance(10)
      expect(container.textContent).toBe('0 ')
      act(() => socket.connect())
      await advance(500)
      expect(container.textContent).toBe('0 ')
    },
  )

  it('returns the same function in all renders', async () => {
    const { publish, seen, advance } = await setUp()
    await publish(1)
    await advance(500)
    expect(seen.length).toBeGreaterThan(2)
    expect(new Set(seen.map((one) => one.publish)).size).toBe(1)
  })

  it('reports an error if there is no topic', async () => {
    const { publish, container } = await setUp(null)
    const { outcome } = await publish(1)
    await expect(outcome).rejects.toMatchObject({ code: 'invalid' })
    expect(container.textContent).toBe('0 invalid')
  })

  it('completes after its component is gone', async () => {
    const { publish, unmount, advance, simulation } = await setUp()
    const { outcome } = await publish(1)
    unmount()
    await advance(500)
    expect(await outcome).toMatchObject({ offset: 1 })
    expect(simulation.published).toHaveLength(1)
  })
})
