/** Listeners, by the name of their event. */
type Listeners = Readonly<Record<string, (event: Event) => unknown>>

/** Adds each listener to `target` for the event of its name; returns the undo. */
export function listenTo(
  target: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>,
  listeners: Listeners,
): () => void {
  const each = Object.entries(listeners)
  for (const [event, listener] of each) target.addEventListener(event, listener)
  return () => {
    for (const [event, listener] of each) target.removeEventListener(event, listener)
  }
}
