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
  it('calls the listeners of that type in the order in which they were added', () => {
    const { on, emit } = startEmitter()
    const told: string[] = []
    on('first', (value) => told.push(`a${value}`))
    on('first', (value) => told.push(`b${value}`))
    on('second', () => told.push('never'))
    emit('first', 1)
    expect(told).toEqual(['a1', 'b1'])
  })

  it('calls a listener that was added twice twice, and each undo removes one of them', () => {
    const { on, emit } = startEmitter()
    const listener = vi.fn()
    const off = on('first', listener)
    on('first', listener)
    off()
    off()
    emit('first', 1)
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('calls the next listener after one that throws, and reports the error', () => {
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

  it('lets listeners be added and removed during an event: new ones are called from the next event on, removed ones still for this one', () => {
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
