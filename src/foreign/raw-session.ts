/** An application has one or two sessions at a time, and never returns to one that has ended. */
const REMEMBERED = 64

/**
 * Keeps what a protocol knows of each session over all of its legs. One protocol may be given to several sockets, at
 * the same time or one after another.
 */
export function perSession<State>(begin: () => State): (session: string) => State {
  const states = new Map<string, State>()
  return (session) => {
    const state = states.get(session) ?? begin()
    states.delete(session)
    states.set(session, state)
    if (states.size > REMEMBERED) states.delete(states.keys().next().value!)
    return state
  }
}
