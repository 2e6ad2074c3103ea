/** Topics of this prefix are written by the server itself. */
const OWN_TOPIC = 'livesocket.'
const PRESENCE_TOPIC = `${OWN_TOPIC}presence:`

/** In which the server tells who comes into that topic and who leaves it. */
export function presenceTopic(topic: string): string {
  return PRESENCE_TOPIC + topic
}

/** The topic whose members that one tells of; null where it does not tell of any. */
export function presenceOf(topic: string): string | null {
  return topic.startsWith(PRESENCE_TOPIC) ? topic.slice(PRESENCE_TOPIC.length) : null
}

export function isOwnTopic(topic: string): boolean {
  return topic.startsWith(OWN_TOPIC)
}
