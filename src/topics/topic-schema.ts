import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkData, type Checked } from '../base/standard-schema.js'

/** A Standard Schema per topic. */
export type TopicSchemas = { readonly [topic: string]: StandardSchemaV1 }

/** What handlers receive: the outputs of the schemas. */
export type SchemaOutputs<Schemas extends TopicSchemas> = {
  [Topic in keyof Schemas]: StandardSchemaV1.InferOutput<Schemas[Topic]>
}

/** What is published, and sent over the wire: the inputs of the schemas. */
export type SchemaInputs<Schemas extends TopicSchemas> = {
  [Topic in keyof Schemas]: StandardSchemaV1.InferInput<Schemas[Topic]>
}

/** The data as the topic's schema returns it; without a schema, the data itself. Never throws. */
export function checkTopicData(schemas: ReadonlyMap<string, StandardSchemaV1>, topic: string, data: unknown): Checked {
  return checkData(schemas.get(topic), data)
}
