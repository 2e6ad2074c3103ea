/** What is listened to, by the name of its event. */
type Listeners = Readonly<Record<string, (event: Event) => unknown>>

/** Calls each at the event of its name, on `target`; returns the undo. */
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
