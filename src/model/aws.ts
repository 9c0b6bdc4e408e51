// How requests to Amazon Bedrock are signed: with a Bedrock API key, or with access keys, and for which region.
import { UserError } from "../base/error.ts"

type Env = Readonly<Record<string, string | undefined>>

export interface AwsAccess {
  region: string
  /** Undefined with a Bedrock API key, which is sent as a bearer token. */
  keys?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

export const AWS_KEY_VARIABLES = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

/** `bearer`: whether a Bedrock API key is there. Throws a UserError that says what to set. */
export function awsAccess(id: string, env: Env, { bearer }: { bearer: boolean }): AwsAccess {
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env
  if (!bearer && (!accessKeyId || !secretAccessKey)) throw noCredentials(id, env)
  if (!region)
    throw new UserError("model-no-region", `${id} needs a region. Set AWS_REGION, for example AWS_REGION=us-east-1.`)
  if (bearer || !accessKeyId || !secretAccessKey) return { region }
  return {
    region,
    keys: { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }) },
  }
}

/** Where Bedrock is, as AWS's own tools find it. */
export function awsAddress(env: Env, region: string): string {
  const given = env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME || env.AWS_ENDPOINT_URL
  return given || `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`
}

/** Profiles and single sign-on need AWS's own library, which is large: the AWS command line turns them into keys. */
function noCredentials(id: string, env: Env): UserError {
  const profile = env.AWS_PROFILE ? ` --profile ${env.AWS_PROFILE}` : ""
  return new UserError(
    "model-no-key",
    `${id} needs AWS credentials. Set AWS_BEARER_TOKEN_BEDROCK, or ${AWS_KEY_VARIABLES}. Profiles and single sign-on are not read here: eval "$(aws configure export-credentials --format env${profile})" sets these variables from them.`,
  )
}
