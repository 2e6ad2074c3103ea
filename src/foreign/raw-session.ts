/** An application has one session or two at a time, and never meets again one that is over. */
const REMEMBERED = 64

/**
 * What a protocol knows of a session, whose legs come and go: one protocol may be given to several sockets, and to one
 * after another.
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
