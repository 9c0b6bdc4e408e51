// The public face of this folder: the screen of usage statistics.
import { join } from "node:path"
import { type Env, homePaths } from "../../../base/paths.ts"
import type { Pane, Stage } from "../pane.ts"
import { shareImage } from "./share-image.ts"
import { StatsPane } from "./stats-pane.ts"

export function statsPane(stage: Stage, env: Env): Pane {
  const place = { env, platform: process.platform, folder: join(homePaths(env).data, "cards") }
  return new StatsPane(stage, { shareImage: (card) => shareImage(card, place) })
}
