/** Topics with this prefix are written by the server itself. */
const OWN_TOPIC = 'livesocket.'
const PRESENCE_TOPIC = `${OWN_TOPIC}presence:`

/** The topic in which the server announces who enters and who leaves `topic`. */
export function presenceTopic(topic: string): string {
  return PRESENCE_TOPIC + topic
}

/** The topic whose members this topic announces; null if it announces none. */
export function presenceOf(topic: string): string | null {
  return topic.startsWith(PRESENCE_TOPIC) ? topic.slice(PRESENCE_TOPIC.length) : null
}

export function isOwnTopic(topic: string): boolean {
  return topic.startsWith(OWN_TOPIC)
}
