import type { Clock } from '../../src/base/clock.js'
import { createAdmission, type Room } from '../../src/server/admission/admission.js'
import { createGreeted, type Greeted } from '../../src/server/admission/greeted.js'
import { limitBounds } from '../../src/server/bounds.js'
import type { Stage } from './stage.js'

/** A client that has sent its hello and waits. */
export interface Hello {
  /** Milliseconds without a frame after which the client leaves. Absent: the hello does not say. */
  readonly patience?: number
  /** The client does not wait any more. */
  readonly gone: boolean
  welcomed(): void
  busy(room: Room): void
  /** The server has said that the client still waits in the queue. */
  heard(): void
}

/** A server that comes back, reduced to how it greets. */
export interface GreetingNode {
  hello(hello: Hello): void
  /** The client of this hello has left. */
  left(hello: Hello): void
  /** Calls to the services behind the node that finished after their client had left. */
  readonly wasted: number
  readonly calls: number
  readonly waiting: number
  readonly greeted: Greeted
}

export type NodeKind = 'admission' | 'bounded' | 'bare'

const { maxPending, maxAuthenticating, helloTimeout, queueTimeout } = limitBounds
/** The `busy` of a server without admission: after a greeting that took too long, and when too many were pending. */
const UNTOLD: Room = { retryAfter: 1_000 }
const FULL: Room = { retryAfter: 5_000 }

export function createGreetingNode(kind: NodeKind, clock: Clock, behind: Stage): GreetingNode {
  const node = new Node(clock, behind)
  if (kind === 'admission') return admitting(node)
  return kind === 'bounded' ? bounding(node) : bare(node)
}

/** What all nodes count. A call goes on even if its client has left: the services ignore the abort signal. */
class Node {
  readonly greeted: Greeted
  wasted = 0
  calls = 0
  readonly clock: Clock
  readonly #behind: Stage

  constructor(clock: Clock, behind: Stage) {
    this.clock = clock
    this.#behind = behind
    this.greeted = createGreeted(
      () => clock.monotonic(),
      () => null,
    )
  }

  ask(hello: Hello, done: () => void) {
    this.#behind.pass(() => {
      this.calls++
      if (hello.gone) this.wasted++
      done()
    })
  }

  welcome(hello: Hello) {
    this.greeted.add()
    hello.welcomed()
  }
}

/** Asks the services about every client at once. */
function bare(node: Node): GreetingNode {
  let waiting = 0
  return counted(node, () => waiting, {
    hello(hello) {
      waiting++
      node.ask(hello, () => {
        waiting--
        if (!hello.gone) node.welcome(hello)
      })
    },
    left: () => undefined,
  })
}

/**
 * Bounds how many clients are pending, how many are asked about at a time, and how long each may take, its wait
 * included.
 */
function bounding(node: Node): GreetingNode {
  const { clock } = node
  const pending = new Map<Hello, () => void>()
  const waiting = new Set<Hello>()
  let underWay = 0

  function next() {
    for (const hello of waiting) {
      if (underWay >= maxAuthenticating.otherwise) return
      waiting.delete(hello)
      begin(hello)
    }
  }

  function begin(hello: Hello) {
    underWay++
    node.ask(hello, () => {
      underWay--
      if (over(hello)) node.welcome(hello)
      next()
    })
  }

  /** False if it had ended before. */
  function over(hello: Hello): boolean {
    pending.get(hello)?.()
    waiting.delete(hello)
    return pending.delete(hello)
  }

  return counted(node, () => pending.size, {
    hello(hello) {
      if (pending.size >= maxPending.otherwise) return hello.busy(FULL)
      const late = () => {
        if (over(hello)) hello.busy(UNTOLD)
      }
      pending.set(hello, clock.setTimeout(late, helloTimeout.otherwise))
      waiting.add(hello)
      next()
    },
    left: (hello) => void over(hello),
  })
}

/** The server's own admission. */
function admitting(node: Node): GreetingNode {
  const { clock } = node
  /** The function that ends the greeting of each client which waits or is asked about, for when it leaves. */
  const here = new Map<Hello, () => void>()
  let abandoned = 0
  const admission = createAdmission({
    clock,
    most: maxAuthenticating.otherwise,
    queueTimeout: queueTimeout.otherwise,
    patience: helloTimeout.otherwise,
    abandoned: () => abandoned,
  })

  function enter(hello: Hello) {
    let asked = false
    let over = false
    let cancel = () => undefined as void
    const end = () => {
      over = true
      cancel()
      here.delete(hello)
      if (asked) abandoned++
    }
    const place = admission.enter({
      address: '',
      ...(hello.patience === undefined ? undefined : { patience: hello.patience }),
      begin() {
        asked = true
        cancel = clock.setTimeout(() => {
          end()
          place.ended(true)
          hello.busy(admission.room())
        }, helloTimeout.otherwise)
        node.ask(hello, () => {
          asked = false
          if (over) {
            abandoned--
            return admission.wake()
          }
          end()
          place.ended(false)
          node.welcome(hello)
        })
      },
      busy(room) {
        end()
        hello.busy(room)
      },
      waits: () => hello.heard(),
    })
    const leave = () => {
      end()
      place.left()
    }
    if (!over) here.set(hello, leave)
  }

  return counted(node, () => admission.stats.waiting, {
    hello(hello) {
      if (admission.stats.waiting >= maxPending.otherwise) hello.busy(admission.room())
      else enter(hello)
    },
    left: (hello) => here.get(hello)?.(),
  })
}

function counted(
  node: Node,
  waiting: () => number,
  { hello, left }: Pick<GreetingNode, 'hello' | 'left'>,
): GreetingNode {
  return {
    hello,
    left,
    greeted: node.greeted,
    get wasted() {
      return node.wasted
    },
    get calls() {
      return node.calls
    },
    get waiting() {
      return waiting()
    },
  }
}
