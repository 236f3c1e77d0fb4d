// The workspace's database schema, baked in from workspace/migrations/*.sql by the build.
#pragma once

#include "base/embedded_text.hpp"

namespace workspace {

base::EmbeddedTexts migrations();  // For base::migrate(owner_url, "workspace", migrations()).

}  // namespace workspace
