// What the dice do to the world, and what its operators do in it.
#include <algorithm>
#include <cmath>

#include "tests/simulation/world.hpp"

namespace simulation {

using namespace std::chrono_literals;

base::Task<void> World::unrest(double per_hour, void (World::*harm)()) {
    if (per_hour <= 0) co_return;
    for (;;) {
        const double hours = -std::log(1 - dice_.random().number01()) / per_hour;
        co_await loop_.sleep(std::chrono::milliseconds(
            static_cast<std::int64_t>(std::min(hours, 1'000.0) * 3'600'000)));
        (this->*harm)();
    }
}

base::Task<void> World::end_harm(base::Duration after, std::function<void()> end) {
    co_await loop_.sleep(after);
    end();
}

void World::harm_for(base::Duration span, std::function<void()> end) {
    harms_.add(end_harm(span, std::move(end)));
}

World::Node* World::some_process() {
    std::vector<Node*> living;
    for (const auto& node : nodes_) {
        if (node->process && !node->process->is_over()) living.push_back(node.get());
    }
    return living.empty() ? nullptr : dice_.pick(living);
}

void World::kill(Caller caller) {
    for (const auto& node : nodes_) {
        if (node->process && node->process->caller() == caller) node->process->die();
    }
}

void World::do_crash() {
    if (Node* node = some_process()) {
        trace_.add("node{}.{} kill -9", node->number, node->life);
        node->process->die();
    }
}

void World::do_stop() {
    if (Node* node = some_process()) {
        trace_.add("node{}.{} SIGTERM", node->number, node->life);
        blame_.signalled({node->number, node->life});
        node->process->terminate();
        if (dice_.chance(0.3)) {
            const Caller caller{node->number, node->life};
            harm_for(dice_.time(100ms, 10s), [this, caller] {
                for (const auto& each : nodes_) {
                    const bool same = each->process && each->process->caller() == caller;
                    if (same && !each->process->is_over()) each->process->terminate();
                }
            });
        }
    }
}

void World::do_auth_outage() {
    trace_.add("auth is down");
    network_.outage(Place::auth, loop_.now() + dice_.time(5s, 4min));
}

void World::do_delivery_outage() {
    trace_.add("auth takes no records");
    network_.refuse_deliveries(loop_.now() + dice_.time(5min, 40min));
}

void World::do_product_outage() {
    trace_.add("the product is down");
    network_.outage(Place::product, loop_.now() + dice_.time(5s, 3min));
}

void World::do_model_outage() {
    trace_.add("the model is down");
    network_.outage(Place::model, loop_.now() + dice_.time(5s, 3min));
}

void World::do_disk_full() {
    const int node = dice_.between(1, profile_.nodes);
    trace_.add("disk{} is full", node);
    disks_.set_full(node, true);
    harm_for(dice_.time(5s, 3min), [this, node] { disks_.set_full(node, false); });
}

void World::do_partition() {
    const int node = dice_.between(1, profile_.nodes);
    trace_.add("node{} is cut off", node);
    network_.partition(node, loop_.now() + dice_.time(10s, 3min));
}

void World::do_orphaning() {
    const int node = dice_.between(1, profile_.nodes);
    trace_.add("node{} does not reach the auth service", node);
    network_.orphan(node, loop_.now() + dice_.time(30s, 3min));
}

void World::do_everybody() {
    if (Node* node = some_process()) {
        trace_.add("node{} tick for everybody", node->number);
        node->process->scheduler().tick({.everybody = true});
    }
}

void World::do_clock_step() {
    const auto by = dice_.time(-10min, 10min);
    trace_.add("the runners' wall clock steps by {} ms", by.count());
    clock_.step(by);
}

void World::do_deletion() {
    std::vector<std::string> left;
    for (const auto& [id, persona] : auth_.personas()) {
        if (!persona.deleted) left.push_back(id);
    }
    if (left.size() < 2) return;
    const std::string id = dice_.pick(left);
    trace_.add("{} is deleted", id);
    auth_.delete_persona(id);
    money_.forget(id);
}

void World::do_pause() {
    std::string id;
    if (dice_.chance(0.7)) {
        std::vector<std::string> all;
        for (const auto& [each, persona] : auth_.personas()) all.push_back(each);
        id = dice_.pick(all);
    }
    if (holds_.paused.contains(id)) return;
    trace_.add("pause of {}", id.empty() ? "everybody" : id);
    holds_.paused.insert(id);
    auth_.pause(id);
    harm_for(dice_.time(1min, 3h), [this, id] {
        trace_.add("{} resumed", id.empty() ? "everybody" : id);
        auth_.resume(id);
        holds_.paused.erase(id);
    });
}

void World::do_release() {
    for (const std::string& id : auth_.release_quarantined()) {
        trace_.add("{} is let out of quarantine", id);
        holds_.released[id] = auth_.now();
    }
}

}  // namespace simulation
