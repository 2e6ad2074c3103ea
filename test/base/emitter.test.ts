import { describe, expect, it, vi } from 'vitest'
import { Emitter } from '../../src/base/emitter.js'

interface Events {
  first: number
  second: string
}

function startEmitter() {
  const thrown: unknown[] = []
  const emitter = new Emitter<Events>((error, type) => thrown.push([type, error]))
  return { thrown, on: emitter.on.bind(emitter), emit: emitter.emit.bind(emitter) }
}

describe('an emitter', () => {
  it('tells the listeners of that type, in the order in which they came', () => {
    const { on, emit } = startEmitter()
    const told: string[] = []
    on('first', (value) => told.push(`a${value}`))
    on('first', (value) => told.push(`b${value}`))
    on('second', () => told.push('never'))
    emit('first', 1)
    expect(told).toEqual(['a1', 'b1'])
  })

  it('counts a listener that was added twice twice, and each undo takes back its own', () => {
    const { on, emit } = startEmitter()
    const listener = vi.fn()
    const off = on('first', listener)
    on('first', listener)
    off()
    off()
    emit('first', 1)
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('goes on past a listener that throws, and says what it threw', () => {
    const { on, emit, thrown } = startEmitter()
    const error = new Error('listener')
    const after = vi.fn()
    on('first', () => {
      throw error
    })
    on('first', after)
    emit('first', 1)
    expect(after).toHaveBeenCalledOnce()
    expect(thrown).toEqual([['first', error]])
  })

  it('lets a listener come and go while an event is told: it counts from the next one on', () => {
    const { on, emit } = startEmitter()
    const told: string[] = []
    on('first', () => {
      told.push('a')
      off()
      on('first', () => told.push('late'))
    })
    const off = on('first', () => told.push('b'))
    emit('first', 1)
    expect(told).toEqual(['a', 'b'])
    told.length = 0
    emit('first', 2)
    expect(told).toEqual(['a', 'late'])
  })
})
