/** Topics of this prefix are written by the server itself. */
const OWN_TOPIC = 'livesocket.'
const PRESENCE_TOPIC = `${OWN_TOPIC}presence:`

/** What presence puts before the name of a topic leaves so many characters less for it. */
export const PRESENCE_PREFIX = PRESENCE_TOPIC.length

/** In which the server tells who comes into that topic and who leaves it. */
export function presenceTopic(topic: string): string {
  return PRESENCE_TOPIC + topic
}

/** The topic whose members that one tells of; null where it does not tell of any. */
export function presenceOf(topic: string): string | null {
  return topic.startsWith(PRESENCE_TOPIC) ? topic.slice(PRESENCE_PREFIX) : null
}

export function isOwnTopic(topic: string): boolean {
  return topic.startsWith(OWN_TOPIC)
}
