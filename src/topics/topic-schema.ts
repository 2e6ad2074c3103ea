import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkData, type Checked } from '../base/standard-schema.js'

/** A Standard Schema per topic. */
export type TopicSchemas = { readonly [topic: string]: StandardSchemaV1 }

/** What handlers are given: what the schemas make of what came in. */
export type SchemaOutputs<Schemas extends TopicSchemas> = {
  [Topic in keyof Schemas]: StandardSchemaV1.InferOutput<Schemas[Topic]>
}

/** What is published, and goes over the wire: what the schemas take. */
export type SchemaInputs<Schemas extends TopicSchemas> = {
  [Topic in keyof Schemas]: StandardSchemaV1.InferInput<Schemas[Topic]>
}

/** What the topic's schema makes of the data; the data itself where the topic has none. Never throws. */
export function checkTopicData(schemas: ReadonlyMap<string, StandardSchemaV1>, topic: string, data: unknown): Checked {
  return checkData(schemas.get(topic), data)
}
