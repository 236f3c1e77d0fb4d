#include "runner/database.hpp"

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace runner {

namespace {

base::Secret needed(const base::Secret& url, std::string_view variable, std::string_view role) {
    if (!url.empty()) return url;
    throw base::Failure{
        base::Failure::Kind::invalid,
        fmt::format("{} is not set; DATABASE_URL names a server, so {} needs its own URL there",
                    variable, role)};
}

}  // namespace

Database::Database(const Config& config, Use use)
    : config_(config), folder_(config.state_directory / "postgres") {
    if (!config_.database_url.empty()) return;
    if (use == Use::own) {
        cluster_ = std::make_unique<base::EmbeddedPostgres>(
            base::EmbeddedPostgresOptions{.folder = folder_, .durable = config_.durable});
    } else if (!std::filesystem::exists(folder_)) {
        throw base::Failure{
            base::Failure::Kind::invalid,
            fmt::format("no DATABASE_URL, and no database in the state directory {}; start the "
                        "daemon first or name the directory with --state",
                        config_.state_directory.string())};
    }
}

Database::~Database() = default;

bool Database::revive() {
    if (!cluster_ || cluster_->is_running()) return false;
    cluster_->restart();
    return true;
}

bool Database::has_owner() const {
    return config_.database_url.empty() || !config_.database_owner_url.empty();
}

base::Secret Database::app_url() const {
    if (!config_.database_url.empty()) return config_.database_url;
    return cluster_ ? cluster_->app_url() : base::embedded_url(folder_, "mana_app");
}

base::Secret Database::owner_url() const {
    if (!config_.database_url.empty())
        return needed(config_.database_owner_url, "DATABASE_OWNER_URL", "mana_owner");
    return cluster_ ? cluster_->owner_url() : base::embedded_url(folder_, "mana_owner");
}

base::Secret Database::ops_url() const {
    if (!config_.database_url.empty())
        return needed(config_.database_ops_url, "DATABASE_OPS_URL", "mana_ops");
    return cluster_ ? cluster_->ops_url() : base::embedded_url(folder_, "mana_ops");
}

std::string trouble_of(base::Postgres& database) {
    try {
        database.transact([](base::Transaction& transaction) { transaction.run("select 1"); });
        return {};
    } catch (const base::Failure& failure) {
        // That is the answer.
        const std::string_view words = failure.what();
        return std::string(words.substr(0, words.find('\n')));
    }
}

}  // namespace runner
