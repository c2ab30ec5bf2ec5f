"""Temporal's development server on a SQLite file.

Source of the arguments: engine 4.6 (a file at the speed of memory; and without the dynamic configuration no run could
continue as new within a second of its start).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

NAMESPACE = "default"
RETENTION = timedelta(days=400)
"""How long ended workflows can be looked at: a year of billing and then some."""

DYNAMIC_CONFIGURATION = (
    *("--dynamic-config-value", 'history.workflowIdReuseMinimalInterval="0s"'),
    # By default a shard, and there is one, hands on 20 batches of tasks a second: a test clock would bill 3 periods.
    *("--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"),
)
ARGUMENTS = (
    *("--headless", "--ip", "127.0.0.1", "--log-level", "error", "--log-format", "json"),
    *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
    *DYNAMIC_CONFIGURATION,
    *("--disable-config-file", "--disable-config-env"),
)


@dataclass(frozen=True, slots=True)
class DevServer:
    binary: Path
    database: Path
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        place = ["--port", str(self.port), "--db-filename", str(self.database)]
        return [str(self.binary), "server", "start-dev", *place, *ARGUMENTS]

    async def serves(self, queues: Iterable[str]) -> bool:
        """Whether each of the queues has a worker."""
        client = await Client.connect(self.address, namespace=NAMESPACE)
        return all([await workers(client, queue) for queue in queues])

    async def ready(self) -> bool:
        """Whether the server answers; sets the retention of the namespace, which it creates with a day."""
        try:
            client = await Client.connect(self.address, namespace=NAMESPACE)
            retention = Duration()
            retention.FromTimedelta(RETENTION)
            config = NamespaceConfig(workflow_execution_retention_ttl=retention)
            await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=NAMESPACE, config=config))
        except (RPCError, RuntimeError):
            return False
        return True


async def workers(client: Client, queue: str) -> int:
    """How many workers take activities from the queue."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    return len((await client.workflow_service.describe_task_queue(request)).pollers)
